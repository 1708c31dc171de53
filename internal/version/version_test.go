package version

import (
	"runtime/debug"
	"testing"
)

func TestInfo(t *testing.T) {
	vcs := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "89abcdef0123456789abcdef0123456789abcdef"},
		{Key: "vcs.time", Value: "2026-02-01T10:11:12Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	tests := []struct {
		name     string
		info     Info
		settings []debug.BuildSetting
		line     string
		modified bool
	}{
		{"nothing known", Info{Program: "bkt", Release: "devel"}, nil, "bkt devel", false},
		{
			"by the linker",
			Info{Program: "bkt-engine", Release: "v1.2.3", Commit: "0123456789abcdef0123456789abcdef01234567", Date: "2026-01-31T00:00:00Z"},
			nil, "bkt-engine v1.2.3 (commit 0123456789ab, 2026-01-31)", false,
		},
		{
			"by the linker rather than by Go",
			Info{Program: "bkt", Release: "v1.2.3", Commit: "0123456789abcdef0123456789abcdef01234567"},
			vcs, "bkt v1.2.3 (commit 0123456789ab)", true,
		},
		{"by Go", Info{Program: "bkt", Release: "(devel)"}, vcs, "bkt (devel) (commit 89abcdef0123, 2026-02-01)", true},
		{"described by git", Info{Program: "bkt", Release: "v1-3-gabcdef0-dirty"}, nil, "bkt v1-3-gabcdef0-dirty", true},
		{"a short commit", Info{Program: "bkt", Release: "v1", Commit: "0123"}, nil, "bkt v1 (commit 0123)", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.info.stamp(tt.settings)
			if got := tt.info.String(); got != tt.line {
				t.Errorf("%q, want %q", got, tt.line)
			}
			if tt.info.Modified != tt.modified {
				t.Errorf("modified: %v, want %v", tt.info.Modified, tt.modified)
			}
		})
	}
}
