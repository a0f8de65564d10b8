# The program of examples/zoo on small pictures, as a user runs it. The values of its nets are compared by tests/test_zoo.c.
CHECK_EXTRA += check-zoo
.PHONY: check-zoo
check-zoo: $(BUILD)/examples/zoo $(BUILD)/examples/cifar10
	@tests/zoo/program.sh $^
