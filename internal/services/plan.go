package services

import (
	"errors"

	"bkt/internal/hint"
	"bkt/internal/manifest"
	"bkt/internal/plan"
	"bkt/internal/reconcile"
)

// verbs are the commands of systemctl, in the order in which they run: a masked unit
// can be neither enabled nor disabled.
var verbs = []string{"unmask", "enable", "disable", "mask"}

var (
	errAbsent        = hint.Add(errors.New("the unit does not exist here"), "install the program that has it, or remove it from the manifest")
	errEnabledForAll = hint.Add(errors.New("it is enabled for all users, and a user cannot disable it"), `declare it "masked" to keep it from starting`)
)

const hintRights = `units of the system can be changed by root, and by users whom polkit allows: run this as root, or in a session in which polkit can ask`

// plan implements Plan of [reconcile.Snapshot]: one call of systemctl for each verb
// and scope.
func (s snapshot) plan(diffs []reconcile.Diff[service]) []plan.Change {
	var p []plan.Change
	for _, scope := range []manifest.Scope{manifest.ScopeSystem, manifest.ScopeUser} {
		calls := map[string][]service{}
		for _, diff := range diffs {
			unit, op := s.wanted(diff)
			if unit.Scope != scope {
				continue
			}
			if err := s.impossible(unit); err != nil {
				p = append(p, plan.Change{Op: op, Targets: []string{unit.Key()}, Steps: []plan.Step{plan.Fail{Reason: err}}})
				continue
			}
			for _, verb := range s.needed(unit) {
				calls[verb] = append(calls[verb], unit)
			}
		}
		for _, verb := range verbs {
			if len(calls[verb]) > 0 {
				p = append(p, s.call(scope, verb, calls[verb]))
			}
		}
	}
	return p
}

// wanted returns a unit with the state to set. A unit that is no longer declared gets its
// default.
func (s snapshot) wanted(diff reconcile.Diff[service]) (service, plan.Op) {
	switch {
	case diff.Want == nil:
		unit := *diff.Have
		unit.State = s.seen[unit.Key()].defaults[0]
		return unit, plan.Remove
	case diff.Have == nil:
		return *diff.Want, plan.Add
	}
	return *diff.Want, plan.Modify
}

// impossible returns an error if a unit cannot get a state.
func (s snapshot) impossible(unit service) error {
	now := s.seen[unit.Key()]
	switch {
	case unit.State == manifest.UnitEnabled && now.now == absent:
		return errAbsent
	case unit.State == manifest.UnitDisabled && unit.Scope == manifest.ScopeUser && now.defaults[0] == manifest.UnitEnabled && now.now == enabled:
		return errEnabledForAll
	}
	return nil
}

// needed returns the verbs that put a unit into a state.
func (s snapshot) needed(unit service) []string {
	var all []string
	if s.seen[unit.Key()].now == masked {
		all = append(all, "unmask")
	}
	switch unit.State {
	case manifest.UnitEnabled:
		all = append(all, "enable")
	case manifest.UnitDisabled:
		all = append(all, "disable")
	case manifest.UnitMasked:
		all = []string{"mask"}
	}
	return all
}

// call returns the change that calls systemctl for some units. If it may fail for lack
// of rights, for which polkit may ask a password, it is not repeated for each unit.
func (s snapshot) call(scope manifest.Scope, verb string, all []service) plan.Change {
	c := s.change(scope, verb, all...)
	if len(all) == 1 || scope == manifest.ScopeSystem && !s.Admin {
		return c
	}
	for _, unit := range all {
		c.Fallback = append(c.Fallback, s.change(scope, verb, unit))
	}
	return c
}

func (s snapshot) change(scope manifest.Scope, verb string, all ...service) plan.Change {
	c := plan.Change{Op: plan.Modify}
	run := plan.Run{Argv: []string{"systemctl"}}
	switch {
	case scope == manifest.ScopeSystem && s.Root != "":
		run.Argv = append(run.Argv, "--root="+s.Root)
	case scope == manifest.ScopeSystem && !s.Admin:
		c.Hint = hintRights
	case scope == manifest.ScopeUser:
		run.Argv = append(run.Argv, "--user")
		if !s.Running {
			run.Env = []string{"SYSTEMD_OFFLINE=1"}
		}
	}
	run.Argv = append(run.Argv, verb)
	if scope == manifest.ScopeUser && verb == "enable" && s.Running {
		// Now, not only at the next login, but without waiting for it.
		run.Argv = append(run.Argv, "--now", "--no-block")
	}
	run.Argv = append(run.Argv, "--")
	for _, unit := range all {
		run.Argv = append(run.Argv, unit.Unit)
		c.Targets = append(c.Targets, unit.Key())
	}
	c.Steps = []plan.Step{run}
	return c
}
