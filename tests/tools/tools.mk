# The checkers are checked: each finds what is planted for it.
CHECK_EXTRA += check-test-layers check-test-checks check-test-run
.PHONY: check-test-layers check-test-checks check-test-run check-test-abi
check-test-layers check-test-checks check-test-run: check-test-%:
	@CC="$(CC)" tests/tools/test-$*.sh
# A part of check-abi, which brings abidiff.
check-test-abi:
	@CC="$(CC)" tests/tools/test-abi.sh

# The pages' checks run programs.
CHECK_EXTRA += check-test-docs
.PHONY: check-test-docs
check-test-docs: $(SHARED)
	@CC="$(CC)" LIB="$(LIB)" tests/tools/test-docs.sh
