package pgserver

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// npmVersion is a version as the packages carry it: 18.4.0-beta.17. All are
// pre-releases, which npm's own ranges skip, so we choose ourselves.
type npmVersion struct {
	num  [3]int
	kind string // "alpha", "beta", "" of a release
	pre  int
}

func parseVersion(s string) (v npmVersion, ok bool) {
	core, pre, hasPre := strings.Cut(s, "-")
	parts := strings.Split(core, ".")
	if len(parts) != len(v.num) {
		return v, false
	}
	var err error
	for i, p := range parts {
		if v.num[i], err = strconv.Atoi(p); err != nil {
			return v, false
		}
	}
	if !hasPre {
		return v, true
	}
	kind, n, _ := strings.Cut(pre, ".")
	v.kind = kind
	if v.pre, err = strconv.Atoi(n); err != nil {
		return v, false
	}
	return v, true
}

// compare orders versions; a release is after its pre-releases.
func (v npmVersion) compare(w npmVersion) int {
	if c := slices.Compare(v.num[:], w.num[:]); c != 0 {
		return c
	}
	rank := func(kind string) string {
		if kind == "" {
			return "~" // after every letter
		}
		return kind
	}
	if c := strings.Compare(rank(v.kind), rank(w.kind)); c != 0 {
		return c
	}
	return v.pre - w.pre
}

// newest chooses the last version of a major.
func newest(versions []string, major int) (string, error) {
	var best npmVersion
	var text string
	for _, s := range versions {
		v, ok := parseVersion(s)
		if ok && v.num[0] == major && (text == "" || v.compare(best) > 0) {
			best, text = v, s
		}
	}
	if text == "" {
		return "", fmt.Errorf("major %d among %d versions: %w", major, len(versions), os.ErrNotExist)
	}
	return text, nil
}
