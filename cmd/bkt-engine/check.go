package main

import (
	"io"
	"os"

	"bkt/internal/engine"
	"bkt/internal/engine/contract"
	"bkt/internal/version"
)

type checkCmd struct{}

// Run prints what an engine needs, for bkt to read. What is missing is no error
// of this command.
func (checkCmd) Run(stdout io.Writer) error {
	return contract.Needs{Version: version.String(), All: engine.Check(os.Getenv("PATH"))}.Write(stdout)
}
