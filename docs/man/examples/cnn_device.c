/* The devices of this machine: the CPU is always the first. */
#include <cnn/cnn.h>
#include <stdio.h>

int main(void)
{
    cnn_device_properties device = { .struct_size = sizeof device };
    if (cnn_device_count() < 1 || cnn_device_describe(0, &device) != CNN_OK) {
        fprintf(stderr, "%s\n", cnn_last_error(NULL));
        return 1;
    }
    printf("%s: tensors are in the host's memory: %s\n", device.name, device.host_memory ? "yes" : "no");
    cnn_context *ctx = cnn_context_new(.device = device.name);
    cnn_context_free(ctx);
    return ctx ? 0 : 1;
}
/* It prints:
cpu: tensors are in the host's memory: yes
*/
