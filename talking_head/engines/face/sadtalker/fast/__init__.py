"""The same generator made quick: folded kernels, Winograd convolutions, a CUDA graph, a tuned process."""
