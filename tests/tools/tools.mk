# The checkers are checked: each finds what is planted for it.
CHECK_EXTRA += check-test-layers check-test-checks check-test-run
.PHONY: check-test-layers check-test-checks check-test-run check-test-abi
check-test-layers check-test-checks check-test-run: check-test-%:
	@CC="$(CC)" tests/tools/test-$*.sh
# A part of check-abi, which brings abidiff.
check-test-abi:
	@CC="$(CC)" tests/tools/test-abi.sh
