# cnn, the command, end to end; and NumPy and PyTorch as peers of files and of DLPack, where Debian's packages are there.
CLI_SCRIPTS := options files hostile models pictures peers
ifneq ($(HAVE_ONNX),)
CHECK_EXTRA += $(CLI_SCRIPTS:%=check-cli-%) check-cli-man
CHECK_BUILD += $(CLI)
endif
.PHONY: check-cli check-cli-man $(CLI_SCRIPTS:%=check-cli-%)
check-cli: $(CLI_SCRIPTS:%=check-cli-%) check-cli-man
$(CLI_SCRIPTS:%=check-cli-%): check-cli-%: $(CLI) $(SHARED)
	@tests/cli/$*.sh $< $(LIB)/libcnn.so
check-cli-man: $(CLI)
	@tests/cli/man-page.sh $< cli
