package creation

import (
	"slices"
	"strings"

	"bkt/internal/manifest"
)

// Home is the part of the environment of an image that depends on the user's home. The
// image cannot have it in its ENV, and its login shells set it. "distrobox enter"
// starts a program without a shell, so a container gets it when it is created, too.
type Home struct {
	Env  map[string]string // values with a ~
	Path []string          // all folders, if any of them has a ~
}

// InHome returns the part of a container's environment that depends on the user's home.
func InHome(entry manifest.Container) Home {
	var h Home
	for name, value := range entry.Env {
		if manifest.InHome(value) {
			if h.Env == nil {
				h.Env = map[string]string{}
			}
			h.Env[name] = value
		}
	}
	if slices.ContainsFunc(entry.Path, manifest.InHome) {
		h.Path = entry.Path
	}
	return h
}

// withPathScript runs the command that creates a container, with a PATH of folders
// before and after the PATH of the image. An option replaces the PATH of the image, and
// the image may be unknown before this step: then it is pulled, as distrobox would.
const withPathScript = `manager=$1 image=$2 before=$3 after=$4 standard=$5
shift 5
"$manager" image inspect "$image" >/dev/null 2>&1 || "$manager" pull "$image" >/dev/null || exit
all=$("$manager" image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$image") || exit
path=$(printf '%s\n' "$all" | sed -n 's/^PATH=//p')
case $path in
*[!A-Za-z0-9/._:+-]*) echo "PATH of image $image has a character that distrobox does not accept: $path" >&2; exit 1 ;;
esac
exec "$@" --additional-flags "--env=PATH=$before${path:-$standard}$after"`

// AddHome adds to the command that creates a container variables of its image, and the
// folders of its PATH if they depend on the user's home.
func (c Creator) AddHome(argv []string, manager, image string, home Home) ([]string, error) {
	flags, err := c.options(manifest.Container{Env: home.Env})
	if err != nil {
		return nil, err
	}
	for _, flag := range flags {
		argv = append(argv, "--additional-flags", flag)
	}
	if len(home.Path) == 0 {
		return argv, nil
	}
	before, after, err := c.aroundPath(home.Path)
	if err != nil {
		return nil, err
	}
	image = strings.TrimPrefix(image, "docker://")
	return append([]string{"sh", "-c", withPathScript, "sh", manager, image, before, after, strings.Join(standardPath, ":")}, argv...), nil
}

// aroundPath returns the folders before and after $PATH, which is last unless the list has
// it. They are quoted for distrobox.
func (c Creator) aroundPath(folders []string) (before, after string, err error) {
	there := false
	for _, dir := range folders {
		switch {
		case dir == "$PATH":
			there = true
		case there:
			after += ":" + c.expand(dir)
		default:
			before += c.expand(dir) + ":"
		}
	}
	if before, err = quotedPart(before); err == nil {
		after, err = quotedPart(after)
	}
	return before, after, err
}

// quotedPart returns a part of the value of PATH, quoted like a whole value.
func quotedPart(text string) (string, error) {
	if text == "" {
		return "", nil // quotes are for whole values
	}
	flag, err := variable("PATH", text)
	return strings.TrimPrefix(flag, "--env=PATH="), err
}
