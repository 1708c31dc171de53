package live

import (
	"slices"
	"strings"
	"testing"

	"bkt/internal/reconcile"
)

// TestPackagesWithoutSecrets checks the names of packages that a container reports as
// installed by hand, because these can be any text.
func TestPackagesWithoutSecrets(t *testing.T) {
	token := "ghp" + "_" + strings.Repeat("a1B2c3", 6)
	packages := []string{"jq", "gcc-c++", token, "https://eve:apple@example.org/x.rpm", "java-21-openjdk-devel", "perl-Crypt-PasswdMD5", "gtk4-devel-tools"}
	names, err := WithoutSecrets(packages)
	if want := slices.Concat(packages[:2], packages[4:]); !slices.Equal(names, want) {
		t.Errorf("%q, not %q", names, want)
	}
	if err == nil || strings.Count(err.Error(), "\n") != 1 || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "apple") {
		t.Errorf("error %v", err)
	}
}

// TestSumOfSecret checks that the sum that is kept of an item does not depend on a
// secret, which could be guessed from it, and does on all else.
func TestSumOfSecret(t *testing.T) {
	of := func(flags string) string {
		return Item{Difference: reconcile.Difference{Live: []byte(`{"app": "a", "flags": ["` + flags + `"]}`)}}.Sum()
	}
	if of("--env=PASS=apple") != of("--env=PASS=pear") {
		t.Error("the sum is one of the secret")
	}
	if of("--env=PASS=apple") == of("--env=PASSED=apple") || of("--env=A=apple") == of("--env=A=pear") {
		t.Error("the sum is the same for different values")
	}
}
