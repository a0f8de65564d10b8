# Training by several processes over each MPI that is there, on one machine with more processes than CPUs.
#   make check-mpi          the same bits for 1, 2, 3 and 4 processes, checkpoints, a process that dies
#   make check-mpi-example  mnist_cnn --mpi as users start it, and what ends all ranks
#   make check-mpi-cifar    cifar10 --mpi: augmentation, a schedule and synchronised batch normalisation
#   make check-scaling      what the model of bench/scaling.py is allowed to be wrong by
#   make check-mpi-hosts    between network namespaces as separate hosts, with a limited rate, with delay and loss; needs root
#   make check-mpi-long     that with every MPI, with 8 processes, and under the sanitizer of addresses
#   make check-large-batch  a batch of 4096 on the MNIST of CNN_MNIST_DIR, by LAMB and LARS with three seeds each; LARGE_BATCH_SEEDS
#   make check-mpi-tsan     check-mpi under the sanitizer of threads
ifneq ($(HAVE_MPI),)
CHECK_EXTRA += check-mpi check-mpi-example check-mpi-cifar check-scaling
CHECK_LONG += check-mpi-long check-mpi-tsan check-mpi-hosts check-large-batch
MPI_TRAIN := $(MPI_FLAVOURS:%=$(BUILD)/tests/mpi/train-%)
CHECK_BUILD += $(MPI_TRAIN)
endif

.PHONY: check-large-batch check-mpi-tsan check-scaling check-mpi check-mpi-example check-mpi-cifar check-mpi-long check-mpi-hosts
check-mpi-example: $(BUILD)/examples/mnist_cnn $(MPI_SHARED) $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@tests/mpi/check-example.sh $< $(EXAMPLE_DIGITS)/synthetic $(firstword $(filter-out mpi,$(MPI_FLAVOURS)))
check-mpi-cifar: $(BUILD)/examples/cifar10 $(MPI_SHARED)
	@tests/mpi/check-cifar.sh $< $(firstword $(filter-out mpi,$(MPI_FLAVOURS)))
check-scaling:
	@tests/mpi/check-scaling.sh docs/performance/scaling.json
check-mpi: $(MPI_TRAIN)
	@tests/mpi/check-mpi.sh $(BUILD)/tests/mpi $(MPI_FLAVOURS)
# Both MPIs leave memory of their own behind.
check-mpi-long: $(MPI_TRAIN) $(BUILD)/examples/mnist_cnn $(BUILD)/examples/cifar10 $(MPI_SHARED) $(EXAMPLE_DIGITS)/synthetic/t10k-labels-idx1-ubyte
	@+$(MAKE) $(JOBS) --no-print-directory $(call sanitized,asan) $(MPI_FLAVOURS:%=$(BUILD)/asan/tests/mpi/train-%)
	@CNN_MPI_LONG=1 tests/mpi/check-mpi.sh $(BUILD)/tests/mpi $(MPI_FLAVOURS)
	@CNN_MPI_LONG=1 tests/mpi/check-example.sh $(BUILD)/examples/mnist_cnn $(EXAMPLE_DIGITS)/synthetic $(filter-out mpi,$(MPI_FLAVOURS))
	@tests/mpi/check-cifar.sh $(BUILD)/examples/cifar10 $(filter-out mpi,$(MPI_FLAVOURS))
	@$(subst ASAN_OPTIONS=,ASAN_OPTIONS=detect_leaks=0:,$(RUN_asan)) tests/mpi/check-mpi.sh $(BUILD)/asan/tests/mpi $(MPI_FLAVOURS)

check-large-batch: $(BUILD)/examples/mnist_cnn $(MPI_SHARED)
	@tests/mpi/large-batch.sh $<
# MPI's libraries are not instrumented, and what they do is not looked at. UCX, below MPICH, hooks the calls by which memory is given back, also
# those of a thread of which the sanitizer has forgotten everything, and crashes there: it has to leave them alone.
check-mpi-tsan:
	@+$(MAKE) $(JOBS) --no-print-directory $(call sanitized,tsan) $(MPI_FLAVOURS:%=$(BUILD)/tsan/tests/mpi/train-%)
	@TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1 UCX_MEM_EVENTS=n \
		tests/mpi/check-mpi.sh $(BUILD)/tsan/tests/mpi $(MPI_FLAVOURS)
check-mpi-hosts: $(MPI_TRAIN) $(BUILD)/tests/mpi/relay
	@tests/mpi/check-hosts.sh $(BUILD)/tests/mpi $(BUILD)/tests/mpi/relay $(filter-out mpi,$(MPI_FLAVOURS))
$(BUILD)/tests/mpi/relay: tests/mpi/relay.c
	@mkdir -p $(@D)
	$(call say,LINK)
	$(QUIET)$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -O1 $< -o $@

define mpi_train_rule
$$(BUILD)/tests/mpi/train-$(1): tests/mpi/train.c tests/support/parallel_net.h $$(MPI_HEADERS) $$(LIB)/libcnn-mpi-$(1).a $$(STATIC) $$(FLAGS)
	@mkdir -p $$(@D)
	$$(call say,LINK)
	$$(QUIET)$$(CC) -std=c11 -D_GNU_SOURCE -Wall -Wextra -Iinclude -Itests -pthread $$(call mpi_includes,$(1)) $$(CPPFLAGS) $$(CFLAGS) $$< -o $$@ \
		$$(LDFLAGS) $$(LIB)/libcnn-mpi-$(1).a $$(STATIC) $$(call mpi_libs,$(1)) $$(ZLIB_LIBS) -lm
endef
$(foreach f,$(MPI_FLAVOURS),$(eval $(call mpi_train_rule,$(f))))
