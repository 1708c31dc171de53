package main

import (
	"io"
	"os"

	"bkt/internal/engine/contract"
	"bkt/internal/engine/machine"
	"bkt/internal/version"
)

type checkCmd struct{}

// Run prints what an engine needs, for bkt. A missing requirement is not an error of
// this command.
func (checkCmd) Run(stdout io.Writer) error {
	return contract.Needs{Version: version.String(), All: machine.Check(os.Getenv("PATH"))}.Write(stdout)
}
