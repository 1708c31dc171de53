package lint_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"bkt/gen"
	"bkt/gen/lint"
)

var brings = regexp.MustCompile(`(\S+) may not exist yet: line (\d+) brings it`)

// TestLateUnits checks which instructions below section SYSTEMD_UNITS are known to bring
// one of its units.
func TestLateUnits(t *testing.T) {
	const section = "# === SYSTEMD_UNITS (managed by bkt) ===\n# === END SYSTEMD_UNITS ===\n"
	const stages = "FROM a AS tools\nRUN make install\nRUN cp /src/x.service /out/usr/lib/systemd/system/x.service\nFROM scratch AS all\nCOPY --from=tools /out/ /\nFROM a\n"
	tests := []struct {
		name, text string
		want       string // the unit, and how the line that brings it begins; "": no warning
	}{
		{"a file", "FROM a\n" + section + "COPY x.service /usr/lib/systemd/system/x.service\n", "x.service: COPY"},
		{"a file in a folder", "FROM a\n" + section + "RUN true\nADD x.service /etc/systemd/system/\n", "x.service: ADD"},
		{"a heredoc", "FROM a\n" + section + "COPY <<EOF /etc/systemd/system/x.service\n[Unit]\nEOF\n", "x.service: COPY"},
		{"several files", "FROM a\n" + section + "COPY units/*.service /etc/systemd/system/\n", "x.service: COPY"},
		{"a folder", "FROM a\n" + section + "COPY files /\n", "x.service: COPY"},
		{"a folder of units", "FROM a\n" + section + "COPY units /etc/systemd/system\n", "x.service: COPY"},
		{"a folder without it", "FROM a\n" + section + "COPY other /\n", ""},
		{"a command", "FROM a\n" + section + "RUN echo >/etc/systemd/system/x.service\n", "x.service: RUN echo"},
		{"a script", "FROM a\n" + section + "RUN <<EOF\nset -e\ninstall -m 0644 x.service /etc/systemd/system/\nEOF\n", "x.service: RUN <<EOF"},
		{"an array", "FROM a\n" + section + "RUN [\"cp\", \"/src/x.service\", \"/usr/lib/systemd/system\"]\n", "x.service: RUN ["},
		{"another stage", stages + section + "COPY --from=all / /\n", "x.service: COPY --from=all"},
		{"a folder of another stage", stages + section + "COPY --from=0 /out/usr/ /usr/\n", "x.service: COPY --from=0"},
		{"a stage without it", stages + section + "COPY --from=other / /\n", ""},
		{"a folder of a stage without units", stages + section + "COPY --from=tools /out/etc /opt\n", ""},
		{"above and below", "FROM a\nCOPY x.service /etc/systemd/system/\n" + section + "COPY x.service /etc/systemd/system/\n", ""},
		{"in the stage above", "FROM a AS b\nCOPY x.service /etc/systemd/system/\nFROM b\n" + section + "COPY x.service /etc/systemd/system/\n", ""},
		{"settings of the unit", "FROM a\n" + section + "COPY x.conf /etc/systemd/system/x.service.d/x.conf\n", ""},
		{"a change of the unit", "FROM a\n" + section + "RUN sed -i s/a/b/ /etc/systemd/system/x.service\n", ""},
		{"a masked unit", "FROM a\n" + section + "COPY masked.service /etc/systemd/system/\n", ""},
		{"a template", "FROM a\n" + section + "COPY t@.service /etc/systemd/system/\n", "t@one.service: COPY"},
		{"nothing", "FROM a\n" + section, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			repo := fstest.MapFS{
				"manifests/system-config.json":                 {Data: []byte(`{"systemd": {"enable": ["x.service", "t@one.service"], "mask": ["masked.service"]}}`)},
				"units/x.service":                              {},
				"files/usr/lib/systemd/system/x.service":       {},
				"other/usr/lib/systemd/system/x.service.wants": {},
			}
			res, err := gen.Render("Containerfile", []byte(tt.text), repo)
			if err != nil {
				t.Fatal(err)
			}
			warnings, err := lint.Check(t.Context(), "Containerfile", res)
			if err != nil {
				t.Fatal(err)
			}
			var late []string
			for _, w := range warnings {
				if m := brings.FindStringSubmatch(w.Error()); m != nil {
					n, _ := strconv.Atoi(m[2])
					late = append(late, m[1]+": "+strings.Split(string(res.Text), "\n")[n-1])
				}
			}
			all := strings.Join(late, "\n")
			if len(late) > 1 || tt.want == "" && all != "" || !strings.HasPrefix(all, tt.want) {
				t.Errorf("got %q, want %q", all, tt.want)
			}
		})
	}
}
