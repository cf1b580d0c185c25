"""Serve a network over HTTP: python examples/serve.py [model.xml], see examples/README.md."""

import argparse
import os

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Route

from maskrle import Segmenter, image, shapes

LARGEST = 20 << 20  # bytes
TYPES = ("image/", "application/octet-stream", "application/x-www-form-urlencoded")  # the last is curl's
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "100000000")  # looked at before memory is allocated


def application(segmenter: Segmenter, workers: int, waiting: int) -> Starlette:
    threads, inside = anyio.CapacityLimiter(workers), anyio.CapacityLimiter(workers + waiting)

    def found(content: bytes, image_id: str) -> list[dict]:
        try:
            picture = image.read_image(content)
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        return segmenter(picture).to_coco(image_id)  # what fails here is not the client's fault: 500

    async def predict(request) -> JSONResponse:
        if not request.headers.get("content-type", "image/").startswith(TYPES):
            raise HTTPException(415, "expected a picture's file as the body")
        if inside.available_tokens < 1:
            raise HTTPException(503, "busy", {"Retry-After": "1"})
        async with inside:  # also while the body comes: few bodies are in memory
            content, named = bytearray(), request.query_params.get("image_id", "")
            with anyio.move_on_after(30) as upload:
                async for part in request.stream():
                    content += part
                    if len(content) > LARGEST:
                        raise HTTPException(413, f"expected at most {LARGEST} bytes")
            if upload.cancelled_caught:
                raise HTTPException(408, "the body did not come within 30 s")
            return JSONResponse(await anyio.to_thread.run_sync(found, bytes(content), named, limiter=threads))

    gone = {ClientDisconnect: lambda *_: JSONResponse(None, 400)}  # during the upload; nobody reads this
    return Starlette(routes=[Route("/predict", predict, methods=["POST"])], exception_handlers=gone)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", nargs="?")
    for name, usual in {"port": 8000, "workers": os.cpu_count(), "waiting": 16}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    given = parser.parse_args()
    segmenter = Segmenter(given.model or shapes.network(), config={"PERFORMANCE_HINT": "THROUGHPUT"})
    app = application(segmenter, given.workers, given.waiting)
    uvicorn.run(app, port=given.port, timeout_graceful_shutdown=30, access_log=False)
