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
		if r.Definition, err = t.again(ctx, r.Definition); err != nil {
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
func (t *clientWithOpts) again(ctx context.Context, def *pb.Definition) (*pb.Definition, error) {
	steps, err := readSteps(def)
	if err != nil {
		return nil, err
	}
	chosen := steps.of(t.rerun)
	if err := t.expire(ctx, steps, chosen); err != nil {
		return nil, err
	}
	def = def.CloneVT()
	for _, step := range steps.following(chosen) {
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
type steps struct {
	all []step
	def *pb.Definition
}

func readSteps(def *pb.Definition) (steps, error) {
	s := steps{def: def}
	for _, data := range def.Def {
		var op pb.Op
		if err := op.Unmarshal(data); err != nil {
			return s, err
		}
		d := digest.FromBytes(data)
		s.all = append(s.all, step{d, &op, linesOf(def, d)})
	}
	return s, nil
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
	for _, step := range s.all {
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
	for _, step := range s.all {
		needs := slices.ContainsFunc(step.op.Inputs, func(in *pb.Input) bool { return touched[in.Digest] })
		if needs || touched[step.digest.String()] {
			touched[step.digest.String()] = true
			found = append(found, step)
		}
	}
	return found
}

// expire marks the metadata of dnf's repositories as outdated in the cache
// mounts of the steps: dnf would use metadata of yesterday. Downloaded packages
// stay.
func (t *clientWithOpts) expire(ctx context.Context, s steps, chosen []step) error {
	for _, step := range chosen {
		if !slices.ContainsFunc(step.op.GetExec().Mounts, isCache) {
			continue
		}
		def, err := s.replaced(step, "if command -v dnf >/dev/null; then dnf -q clean expire-cache; fi")
		if err != nil {
			return err
		}
		if _, err := t.Client.Solve(ctx, gateway.SolveRequest{Definition: def, Evaluate: true}); err != nil {
			return err
		}
	}
	return nil
}

func isCache(m *pb.Mount) bool { return m.MountType == pb.MountType_CACHE }

// replaced returns a definition that runs a script in place of a step, with the
// same files, mounts and environment.
func (s steps) replaced(step step, script string) (*pb.Definition, error) {
	op := step.op.CloneVT()
	op.GetExec().Meta.Args = []string{"/bin/sh", "-c", script}
	data, err := op.Marshal()
	if err != nil {
		return nil, err
	}
	def := s.def.CloneVT()
	i := slices.IndexFunc(s.def.Def, func(data []byte) bool { return digest.FromBytes(data) == step.digest })
	own := digest.FromBytes(data)
	root := pb.Op{Inputs: []*pb.Input{{Digest: own.String()}}}
	end, err := root.Marshal()
	if err != nil {
		return nil, err
	}
	def.Def = append(slices.Clone(def.Def[:i]), data, end)
	m := metadata(def, own)
	m.IgnoreCache = true
	m.Description = map[string]string{"llb.customname": "[refresh] expire the metadata of repositories"}
	return def, nil
}

// metadata returns the metadata of an operation.
func metadata(def *pb.Definition, d digest.Digest) *pb.OpMetadata {
	if def.Metadata[d.String()] == nil {
		def.Metadata[d.String()] = &pb.OpMetadata{}
	}
	return def.Metadata[d.String()]
}
