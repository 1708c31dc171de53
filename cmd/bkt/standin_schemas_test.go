package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"bkt/internal/gvariant"
	"bkt/internal/gvdb/gvdbtest"
)

// standInSchemas are the schemas that the scripts use: for each key the default value
// and, where they exist, limits or choices, in the text format of GVariant.
var standInSchemas = map[string]map[string]string{
	"org.gnome.desktop.interface": {
		".path":               "'/org/gnome/desktop/interface/'",
		"clock-format":        "('24h', (byte 0x65, " + choicesOf("24h", "12h") + "))",
		"clock-show-seconds":  "(false,)",
		"color-scheme":        "('default', (byte 0x65, " + choicesOf("default", "prefer-dark", "prefer-light") + "))",
		"cursor-theme":        "('Adwaita',)",
		"font-name":           "('Cantarell 11',)",
		"gtk-theme":           "('Adwaita',)",
		"icon-theme":          "('Adwaita',)",
		"text-scaling-factor": "(1.0, (byte 0x72, (0.5, 3.0)))",
	},
	"org.gnome.desktop.background": {
		".path":           "'/org/gnome/desktop/background/'",
		"picture-options": "('zoom', (byte 0x65, " + choicesOf("none", "zoom") + "))",
		"picture-uri":     "('',)",
	},
	"org.gnome.desktop.app-folders.folder": {
		"apps": "(@as [],)",
		"name": "('',)",
	},
	"org.gnome.desktop.notifications": {
		".path":                "'/org/gnome/desktop/notifications/'",
		"application-children": "(@as [],)",
	},
	"org.gnome.desktop.notifications.application": {
		"application-id": "('',)",
		"enable":         "(true,)",
	},
	"org.gnome.shell": {
		".path":                                "'/org/gnome/shell/'",
		"disable-extension-version-validation": "(false,)",
		"disable-user-extensions":              "(false,)",
		"disabled-extensions":                  "(@as [],)",
		"enabled-extensions":                   "(@as [],)",
		"favorite-apps":                        "(['org.gnome.Nautilus.desktop'],)",
	},
}

// choicesOf returns the list ("strinfo") that GLib has of the names of an enum.
func choicesOf(names ...string) string {
	var words []string
	for value, name := range names {
		item := binary.LittleEndian.AppendUint32(nil, uint32(value))
		item = append(append(append(item, 0xff), name...), 0)
		for len(item)%4 != 3 {
			item = append(item, 0)
		}
		item = append(item, 0xff)
		for ; len(item) > 0; item = item[4:] {
			words = append(words, fmt.Sprintf("uint32 %d", binary.LittleEndian.Uint32(item)))
		}
	}
	return "[" + strings.Join(words, ", ") + "]"
}

// writeSchemas writes the compiled schemas into a folder of data.
func writeSchemas(dir string) error {
	file := gvdbtest.Table{Tables: map[string]gvdbtest.Table{}}
	for id, keys := range standInSchemas {
		table := gvdbtest.Table{Values: map[string]gvariant.Value{}}
		for key, text := range keys {
			v, err := gvariant.Parse("", text)
			if err != nil {
				return fmt.Errorf("%s %s: %w", id, key, err)
			}
			table.Values[key] = v
		}
		file.Tables[id] = table
	}
	dir = filepath.Join(dir, "glib-2.0", "schemas")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "gschemas.compiled"), gvdbtest.File(file), 0o644)
}
