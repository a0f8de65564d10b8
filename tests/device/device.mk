# Devices without a GPU: a device whose memory the host cannot see and whose queue runs late (late.c), as a back end
# that is found at run time.
#   make check-device   everything about devices, and the test programs of operations, layers, optimizers and files on it
CHECK_EXTRA += check-device-api
CHECK_BUILD += $(BUILD)/tests/device/test_device $(BUILD)/backends/libcnn-late.so
.PHONY: check-device check-device-api
LATE := $(BUILD)/backends/libcnn-late.so

# The test programs also hold on a device, with the values and bits that they expect of the CPU, but for these:
#   conv_kernels conv_values cpu elementary kernels long_sums math moments norm_kernels pool short_rows vectors   call the CPU's kernels and threads themselves
#   bar json text     have no tensors, or hardly any
#   image_memory, onnx_load_faults, onnx_save_faults   let malloc fail, which the test device's own threads call
#   float_mode        sets the rounding mode of its own thread, where a device does not compute
#   many_parameters   measures time, of which the test device would take most
#   onnx_memory       measures the host's memory, of which the test device holds every tensor twice
#   predictor         freezes modules, which is for the CPU
#   process           forks with contexts open, and a queue stays with the process that opened it
NOT_ON_DEVICES := $(addprefix test_,bar conv_kernels conv_values cpu elementary float_mode image_memory json kernels long_sums many_parameters math \
	moments norm_kernels onnx_load_faults onnx_memory onnx_save_faults pool predictor predictor_fusion predictor_refused \
	process short_rows text vectors)
DEVICE_TESTS = $(filter-out $(NOT_ON_DEVICES),$(TESTS))

$(LATE): tests/device/late.c $(PUBLIC_HEADERS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared $< -o $@ \
		$(LDFLAGS) -pthread

$(BUILD)/tests/device/test_device: TEST_CFLAGS = -DLATE_FOLDER='"$(BUILD)/backends"'
check-device-api: $(BUILD)/tests/device/test_device $(LATE)
	@$<

DEVICE_DIGITS := $(BUILD)/tests/digits/synthetic/t10k-labels-idx1-ubyte
.PHONY: check-device-epoch
check-device-epoch: $(BUILD)/examples/mnist_cnn $(BUILD)/examples/cifar10 $(DEVICE_DIGITS) $(LATE)
	@tests/device/epoch.sh $< $(dir $(DEVICE_DIGITS)) $(dir $(LATE)) $(BUILD)/examples/cifar10

check-device:
	@+$(MAKE) $(JOBS) --no-print-directory $(DEVICE_TESTS:%=$(BUILD)/tests/%) $(BUILD)/tests/device/test_device $(LATE) $(DEVICE_DIGITS)
	@+CNN_BACKEND_PATH=$(dir $(LATE)) CNN_DEVICE=late tests/count.sh $(BUILD)/tests/device/results $(MAKE) $(JOBS) -k \
		--no-print-directory RESULTS=$(BUILD)/tests/device/results $(DEVICE_TESTS:%=run-%) run-check-device-api run-check-device-epoch
