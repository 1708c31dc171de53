package manager

import "bkt/internal/plan"

// The steps that change containers and images. A manager may report success without
// doing anything, or accept the beginning of an id as a name: where that matters, a
// script verifies the result.

// Run returns the step that runs a command of the manager.
func (m Manager) Run(args ...string) plan.Run {
	return plan.Run{Argv: append([]string{m.Program}, args...)}
}

// verified returns a step together with a script that verifies it. The script gets the
// manager and args.
func (m Manager) verified(r plan.Run, script string, args ...string) plan.Run {
	r.Verify = m.script(script, args...)
	return r
}

// script returns the command that runs a script with the manager and args.
func (m Manager) script(script string, args ...string) []string {
	return append([]string{"sh", "-c", script, "sh", m.Program}, args...)
}

// isRemovedScript checks that no container has an id. If the manager does not know the
// container, that proves it only if the manager answers other questions.
const isRemovedScript = `if "$1" inspect --type container "$2" >/dev/null 2>&1; then echo "container $3 still exists" >&2; exit 1; fi
"$1" ps --quiet >/dev/null`

// Discard returns the step that removes a container with its volumes.
func (m Manager) Discard(c Container) plan.Run {
	return m.verified(m.Run("rm", "--force", "--volumes", c.ID), isRemovedScript, c.ID, c.Name)
}

// Remove returns the step that removes a container by the name that earlier steps gave
// to it.
func (m Manager) Remove(c Container, name string) plan.Run {
	return m.verified(m.Run("rm", "--force", name), isRemovedScript, c.ID, name)
}

// hasNameScript checks the name of a container.
const hasNameScript = `case $("$1" inspect --type container --format '{{.Name}}' "$2" 2>&1) in
"$3" | "/$3") ;;
*) echo "container $2 is not called $3" >&2; exit 1 ;;
esac`

// Rename returns the step that renames a container. The name later distinguishes the old
// container from the new one.
func (m Manager) Rename(c Container, name string) plan.Run {
	return m.verified(m.Run("rename", c.ID, name), hasNameScript, c.ID, name)
}

// rollBackScript gives a container its name back, unless it still has it, and removes
// another container with this name. It compares names, because a manager also accepts the
// beginning of an id as a name.
const rollBackScript = `has=$("$1" inspect --type container --format '{{.Id}} {{.Name}}' "$2" 2>/dev/null)
case $has in
"$3 "*) ;;
*" $2" | *" /$2") "$1" rm --force --volumes "${has%% *}" && "$1" rename "$3" "$2" ;;
*) "$1" rename "$3" "$2" ;;
esac || exit
if test "$4" = true; then "$1" start "$3"; fi`

// isRestoredScript checks that a container has its name, and that it runs if it ran
// before.
const isRestoredScript = `case $("$1" inspect --type container --format '{{.Id}} {{.Name}} {{.State.Running}}' "$3" 2>&1) in
"$3 $2 "*"$4" | "$3 /$2 "*"$4") ;;
*) echo "$5 is not $2 again" >&2; exit 1 ;;
esac`

// RollBack returns the step that gives a container its name back and, if it was running,
// starts it. Its name may be aside by now.
func (m Manager) RollBack(c Container, name, aside string) plan.Run {
	running := ""
	if c.Running {
		running = "true"
	}
	r := plan.Run{Argv: m.script(rollBackScript, name, c.ID, running)}
	return m.verified(r, isRestoredScript, name, c.ID, running, aside)
}

// isRunningScript checks that a container runs.
const isRunningScript = `case $("$1" inspect --type container --format '{{.Name}} {{.State.Running}}' "$2" 2>&1) in
"$2 true" | "/$2 true") ;;
*) echo "container $2 does not run" >&2; exit 1 ;;
esac`

// IsRunning returns the command that verifies that a container runs.
func (m Manager) IsRunning(name string) []string { return m.script(isRunningScript, name) }

// existsScript checks that a container has exactly this name: a manager also accepts the
// beginning of an id.
const existsScript = `case $("$1" inspect --type container --format '{{.Name}}' "$2" 2>/dev/null) in
"$2" | "/$2") ;;
*) echo "container $2 does not exist" >&2; exit 1 ;;
esac`

// Exists returns the command that verifies that a container with a name exists.
func (m Manager) Exists(name string) []string { return m.script(existsScript, name) }

// isCreatedScript checks the label of a container and the id of its image, and thus that
// the new container was created.
const isCreatedScript = `is=$("$1" inspect --type container --format '{{.Name}} {{.Image}} {{index .Config.Labels "bkt.box"}}' "$2" 2>/dev/null)
image=$("$1" image inspect --format '{{.Id}}' "$3") || exit
case $is in
"$2 $image $4" | "/$2 $image $4") ;;
"$2 $image "* | "/$2 $image "*) echo "container $2 is another one, created before" >&2; exit 1 ;;
"$2 "* | "/$2 "*) echo "container $2 is not of the image $3" >&2; exit 1 ;;
*) echo "container $2 was not created" >&2; exit 1 ;;
esac`

// IsCreated returns the command that verifies that a container was created from an image
// and with a label.
func (m Manager) IsCreated(name, image, label string) []string {
	return m.script(isCreatedScript, name, image, label)
}

// isTaggedScript checks that two names belong to the same image.
const isTaggedScript = `one=$("$1" image inspect --format '{{.Id}}' "$2") && other=$("$1" image inspect --format '{{.Id}}' "$3") || exit
test "$one" = "$other" || { echo "$3 is another image than $2" >&2; exit 1; }`

// Tag returns the step that adds a name to an image.
func (m Manager) Tag(image, name string) plan.Run {
	return m.verified(m.Run("tag", image, name), isTaggedScript, image, name)
}

// untagScript removes a name from the image that has it, if any does.
const untagScript = `if "$1" image inspect "$2" >/dev/null 2>&1; then "$1" rmi "$2" >/dev/null; fi`

// retagScript gives an image a name that another image may have. podman does not move a
// name from an image in a read-only additional store.
const retagScript = `"$1" tag "$2" "$3" 2>/dev/null || { "$1" untag "$3" "$3" && "$1" tag "$2" "$3"; }`

// RestoreName returns the step that gives a name back to the image with an id, or
// removes the name if id is "".
func (m Manager) RestoreName(id, name string) plan.Run {
	if id == "" {
		return plan.Run{Argv: m.script(untagScript, name)}
	}
	return plan.Run{Argv: m.script(retagScript, id, name)}
}
