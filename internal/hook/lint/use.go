package lint

import (
	"strings"

	"bkt/internal/hook/command"
)

// filled are the rules whose replacement has a place for the path or the name that a command
// is about.
const filled = "append substitute mkdir special-file account clone move remove"

// plain finds paths and names that need no quotes in a shell.
var plain = lazy(`^[~/A-Za-z0-9._+-]+$`)

// use returns what to write instead of the command of a candidate: the replacement of its rule,
// with the path, the name or the line that is known in its places.
func (c candidate) use() string {
	if !command.In(filled, c.rule.Name) || len(c.effects) != 1 {
		return c.rule.Use
	}
	e := c.effects[0]
	about := e.path
	if len(e.names) == 1 {
		about = e.names[0]
	}
	about = strings.Replace(about, "$HOME", "~", 1)
	if !plain().MatchString(about) {
		return c.rule.Use
	}
	places := []string{"FILE", about, "FOLDER", about}
	if c.rule.Name == "account" {
		places = []string{"NAME", about}
	}
	line := strings.TrimSuffix(e.text, "\n")
	if c.rule.Name == "append" && e.known && line != "" && !strings.ContainsAny(line, "'\n") {
		places = append(places, "LINE", line)
	}
	return strings.NewReplacer(places...).Replace(c.rule.Use)
}
