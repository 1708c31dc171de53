package secret_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bkt/internal/secret"
	"bkt/internal/testkit"
)

// fewKeys is the minimum number of keys in the schemas of GNOME Shell, which the tests need
// anyway.
const fewKeys = 500

type schemas struct {
	Schemas []struct {
		ID   string `xml:"id,attr"`
		Keys []struct {
			Name    string `xml:"name,attr"`
			Type    string `xml:"type,attr"`
			Default string `xml:"default"`
			Choices []struct {
				Value string `xml:"value,attr"`
			} `xml:"choices>choice"`
		} `xml:"key"`
	} `xml:"schema"`
}

// TestDesktop checks that no key of the installed schemas is found as a secret, with its
// default, with each allowed value and, if it is a key of shortcuts, with shortcuts.
func TestDesktop(t *testing.T) {
	files, _ := filepath.Glob("/usr/share/glib-2.0/schemas/*.gschema.xml")
	keys := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		var list schemas
		if err == nil {
			err = xml.Unmarshal(text, &list)
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, s := range list.Schemas {
			for _, k := range s.Keys {
				keys++
				values := []string{strings.TrimSpace(k.Default)}
				for _, c := range k.Choices {
					values = append(values, "'"+c.Value+"'")
				}
				if k.Type == "as" {
					values = append(values, "['<Control><Alt>F7', 'XF86AudioRaiseVolume']", "['org.gnome.Nautilus.desktop']")
				}
				for _, v := range values {
					checkInnocent(t, map[string]string{"schema": s.ID, "key": k.Name, "value": v})
				}
			}
		}
	}
	if keys < fewKeys {
		testkit.Missing(t, "the schemas of GNOME are not installed")
	}
	t.Logf("%d keys", keys)
}

func checkInnocent(t *testing.T, item map[string]string) {
	t.Helper()
	text, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	if what := secret.Find(text, nil); what != "" {
		t.Errorf("%s: %s", text, what)
	}
}
