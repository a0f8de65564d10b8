# Proof that the texts hold: every C block compiles, what is quoted from the example stands there, messages are literal.
CHECK_EXTRA += check-docs-code check-man-page
.PHONY: check-docs-code check-man-page

check-docs-code: $(SHARED) image-library onnx-library mpi
	@CC="$(CC)" LIB="$(LIB)" tools/check-docs.sh

check-man-page: $(BUILD)/examples/mnist_cnn $(BUILD)/examples/cifar10
	@tests/example/man-page.sh $< examples/mnist_cnn/mnist_cnn.1 MNIST_MIRROR
	@tests/example/man-page.sh $(BUILD)/examples/cifar10 examples/cifar10/cifar10.1
