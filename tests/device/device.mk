# Devices without a GPU: a device whose memory the host cannot see and whose queue runs late (late.c), as a back end
# that is found at run time.
#   make check-device   everything about devices, and the test programs of operations, layers, optimizers and files on it
CHECK_EXTRA += check-device-api
CHECK_BUILD += $(BUILD)/tests/device/test_device $(BUILD)/backends/libcnn-late.so
.PHONY: check-device check-device-api
LATE := $(BUILD)/backends/libcnn-late.so

# The programs that also hold on a device, with the values and bits that they expect of the CPU.
DEVICE_TESTS := $(addprefix test_,along autograd base batch_norm callbacks cancel checkpoint clone convert custom_ops data \
	draws embedding file folding forward forward_many gradient_events groups idx io io_failures joined last_error loader log \
	long_sums lstm math_mode module_state nn nonfinite ops ops_battery ops_trace optim overlap parallel partial_load powers \
	random_tensors reentry safetensors save step_failures shared_tensors subset tape_memory tensor tensor_text text tokens training written)

$(LATE): tests/device/late.c $(PUBLIC_HEADERS)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude $(CPPFLAGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared $< -o $@ \
		$(LDFLAGS) -pthread

$(BUILD)/tests/device/test_device: TEST_CFLAGS = -DLATE_FOLDER='"$(BUILD)/backends"'
check-device-api: $(BUILD)/tests/device/test_device $(LATE)
	@$<

check-device: check-device-api $(DEVICE_TESTS:%=$(BUILD)/tests/%)
	@for program in $(DEVICE_TESTS); do \
		echo "$$program on the device late:0"; \
		CNN_BACKEND_PATH=$(BUILD)/backends CNN_DEVICE=late $(BUILD)/tests/$$program || exit 1; \
	done
