// Package statespace makes what the layers of state space models compute with from the parameters that are in their
// checkpoints: discretised poles, and convolution kernels. All of it is in float64, on the host, once.
package statespace
