"""The same generator made fast: folded kernels, Winograd convolutions, a CUDA graph, a tuned process."""
