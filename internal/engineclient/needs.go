package engineclient

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"

	"bkt/internal/engine/contract"
)

// ReadNeeds asks the program of the own engine what it needs on this machine. A
// missing program is an error.
func ReadNeeds(ctx context.Context, cfg Config) (contract.Needs, error) {
	if cfg.Program == "" {
		return contract.Needs{}, cfg.NoProgram()
	}
	out, err := exec.CommandContext(ctx, cfg.Program, "check").Output()
	if err != nil {
		return contract.Needs{}, fmt.Errorf("%s check: %w", cfg.Program, err)
	}
	return contract.ReadNeeds(bytes.NewReader(out))
}
