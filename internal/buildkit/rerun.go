package buildkit

import (
	"context"
	"slices"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
)

// Solve makes the engine run the steps of some lines again, and all steps that
// depend on them.
func (t *clientWithOpts) Solve(ctx context.Context, r gateway.SolveRequest) (*gateway.Result, error) {
	// Evaluated here, and not only when the image is exported, a step that fails leaves
	// its files for a look at them.
	r.Evaluate = true
	if r.Definition != nil && len(t.rerun) > 0 {
		var err error
		if r.Definition, err = t.again(r.Definition); err != nil {
			return nil, err
		}
	}
	res, err := t.Client.Solve(ctx, r)
	if err != nil {
		t.packages.read(ctx, t.Client, err)
	}
	return res, err
}

// again returns the definition that runs some lines, and what depends on them, again.
// BuildKit empties the cache mounts of these steps before (detectPrunedCacheID in
// solver/llbsolver), so dnf downloads everything: neither metadata nor packages are old.
func (t *clientWithOpts) again(def *pb.Definition) (*pb.Definition, error) {
	steps, err := readSteps(def)
	if err != nil {
		return nil, err
	}
	def = def.CloneVT()
	for _, step := range steps.following(steps.of(t.rerun)) {
		metadata(def, step.digest).IgnoreCache = true
	}
	return def, nil
}

// A step is an operation of a definition.
type step struct {
	digest digest.Digest
	op     *pb.Op
	lines  []int
}

// steps are the operations of a definition, each after those that it needs.
type steps []step

func readSteps(def *pb.Definition) (steps, error) {
	var all steps
	for _, data := range def.Def {
		var op pb.Op
		if err := op.Unmarshal(data); err != nil {
			return nil, err
		}
		d := digest.FromBytes(data)
		all = append(all, step{d, &op, linesOf(def, d)})
	}
	return all, nil
}

// linesOf returns the lines of the Containerfile that an operation comes from.
func linesOf(def *pb.Definition, d digest.Digest) []int {
	var lines []int
	if def.Source == nil || def.Source.Locations[d.String()] == nil {
		return nil
	}
	for _, l := range def.Source.Locations[d.String()].Locations {
		for _, r := range l.Ranges {
			for line := r.Start.Line; line <= r.End.Line; line++ {
				lines = append(lines, int(line))
			}
		}
	}
	return lines
}

// of returns the commands of some lines.
func (s steps) of(lines []int) []step {
	var found []step
	for _, step := range s {
		hit := slices.ContainsFunc(step.lines, func(l int) bool { return slices.Contains(lines, l) })
		if hit && step.op.GetExec() != nil {
			found = append(found, step)
		}
	}
	return found
}

// following returns first and all operations that depend on them.
func (s steps) following(first []step) []step {
	touched := map[string]bool{}
	for _, step := range first {
		touched[step.digest.String()] = true
	}
	var found []step
	for _, step := range s {
		needs := slices.ContainsFunc(step.op.Inputs, func(in *pb.Input) bool { return touched[in.Digest] })
		if needs || touched[step.digest.String()] {
			touched[step.digest.String()] = true
			found = append(found, step)
		}
	}
	return found
}

// metadata returns the metadata of an operation.
func metadata(def *pb.Definition, d digest.Digest) *pb.OpMetadata {
	if def.Metadata[d.String()] == nil {
		def.Metadata[d.String()] = &pb.OpMetadata{}
	}
	return def.Metadata[d.String()]
}
