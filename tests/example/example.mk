# The example's command line, end to end on a few digits. They are drawn once for all scripts.
EXAMPLE_SCRIPTS := options run resume interrupt data fetch progress output records predict
EXAMPLE_DIGITS := $(BUILD)/tests/digits
CHECK_EXTRA += $(EXAMPLE_SCRIPTS:%=check-example-%) check-example-cifar10 check-example-speedrun check-example-report check-example-web
CHECK_BUILD += $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
.PHONY: check-example check-example-cifar10 check-example-speedrun check-example-report check-example-web $(EXAMPLE_SCRIPTS:%=check-example-%)
check-example: $(EXAMPLE_SCRIPTS:%=check-example-%) check-example-cifar10 check-example-speedrun check-example-report check-example-web
check-example-cifar10: $(BUILD)/examples/cifar10
	@tests/example/cifar10.sh $<
check-example-report: $(BUILD)/examples/mnist_cnn $(BUILD)/examples/cifar10 $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@tests/example/report.sh $< $(EXAMPLE_DIGITS)/synthetic $(BUILD)/examples/cifar10
check-example-web: $(BUILD)/examples/web
	@tests/example/web.sh $<
check-example-speedrun: $(BUILD)/examples/speedrun $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@tests/example/speedrun.sh $< $(EXAMPLE_DIGITS)/synthetic

$(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte: $(BUILD)/examples/mnist_cnn
	@rm -rf $(EXAMPLE_DIGITS)
	$(QUIET)$< --synthetic --data $(EXAMPLE_DIGITS) --limit 1 --epochs 0 --quiet >/dev/null

$(EXAMPLE_SCRIPTS:%=check-example-%): check-example-%: $(BUILD)/examples/mnist_cnn $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@tests/example/$*.sh $< $(EXAMPLE_DIGITS)/synthetic

# 99 % over the seeds of examples/speedrun, with the real MNIST.
CHECK_LONG += check-speedrun-record
.PHONY: check-speedrun-record
check-speedrun-record: $(BUILD)/examples/speedrun $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@tests/example/speedrun.sh $< $(EXAMPLE_DIGITS)/synthetic long

# Digits of MNIST and of fonts in pictures of all kinds, after three epochs of training: at least 97 % of both are recognised.
CHECK_LONG += check-predict
.PHONY: check-predict
check-predict: $(BUILD)/examples/mnist_cnn
	@tools/install-dependencies.sh predict
	@tests/example/predict-many.sh $<
