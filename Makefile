GO ?= go
# The packages copy and signature of containers/image want this tag to do without cgo.
TAGS := containers_image_openpgp
export CGO_ENABLED = 0
.PHONY: build
build:
	@mkdir -p bin
	$(GO) build -trimpath -tags $(TAGS) -ldflags "-s -w" -o bin/ ./cmd/bkt ./cmd/bkt-engine
