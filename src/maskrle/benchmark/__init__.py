"""What `maskrle benchmark` measures: COCO-like scenes, the ways to encode them, fair timing."""
