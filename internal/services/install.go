package services

import (
	"os"
	"strings"
)

// An install is what a unit file says of how the unit is enabled.
type install struct {
	possible bool            // that it is
	aliases  map[string]bool // other names that it then goes by
	instance string          // the one that is meant by a template
}

// install reads the section of a unit file that systemctl enable reads. A file
// that cannot be read has none.
func (u unit) install() install {
	text, err := os.ReadFile(u.file)
	if err != nil {
		return install{}
	}
	i := install{aliases: map[string]bool{}}
	inside := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = line == "[Install]"
		}
		if name, value, ok := strings.Cut(line, "="); ok && inside {
			i.set(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return i
}

func (i *install) set(name, value string) {
	switch name {
	case "WantedBy", "RequiredBy", "UpheldBy":
		i.possible = i.possible || value != ""
	case "Alias":
		i.possible = i.possible || value != ""
		for _, alias := range strings.Fields(value) {
			i.aliases[alias] = true
		}
	case "DefaultInstance":
		i.instance = value
	}
}
