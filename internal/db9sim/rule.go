package db9sim

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Kind says what a rule does to a client.
type Kind string

// The kinds.
const (
	Refuse   Kind = "refuse"   // answers with DB9's SQLSTATE
	Silent   Kind = "silent"   // accepts, and does something else
	Limit    Kind = "limit"    // ends what is too large or too slow
	Identity Kind = "identity" // what the server says of itself
	Wire     Kind = "wire"     // the connection
)

// Mark says how a rule is known: D published, S on the preview site, F seen in
// the field, H a hypothesis, G general knowledge; several where they disagree.
type Mark string

// Rule is one way in which DB9 may differ from PostgreSQL.
type Rule struct {
	Name       string // the feature, such as "binary-copy"
	Kind       Kind
	Mark       Mark
	Section    string // of the notes on DB9, such as "4"
	Text       string // what a client sees where the rule is on
	Documented bool   // published pages say so: part of --rules documented
	Variant    bool   // another guess at what a rule of strict says: on only where it is denied by name
}

// Sets names the rule sets that have the rule on.
func (r Rule) Sets() []string {
	var sets []string
	if !r.Variant {
		sets = append(sets, "strict")
	}
	if r.Documented {
		sets = append(sets, "documented")
	}
	return sets
}

// RuleSet says which rules are on. It is not changed while a Sim uses it.
type RuleSet struct {
	name string
	on   map[string]bool
}

// Rules lists all rules, by kind and name.
func Rules() []Rule {
	all := slices.Concat(coreRules(), wireRules(), copyRules())
	slices.SortStableFunc(all, func(a, b Rule) int {
		if a.Kind != b.Kind {
			return strings.Compare(string(a.Kind), string(b.Kind))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all
}

// Strict has all rules on but variants of others.
func Strict() *RuleSet { return choose("strict", func(r Rule) bool { return !r.Variant }) }

// Documented has those on that DB9's published pages state.
func Documented() *RuleSet {
	return choose("documented", func(r Rule) bool { return r.Documented })
}

// None has no rule on: the proxy is a plain link.
func None() *RuleSet { return choose("none", func(Rule) bool { return false }) }

func choose(name string, on func(Rule) bool) *RuleSet {
	set := &RuleSet{name: name, on: map[string]bool{}}
	for _, r := range Rules() {
		if on(r) {
			set.on[r.Name] = true
		}
	}
	return set
}

// ParseRules gives the set of that name, or reads a file with one rule a line;
// "-rule" takes one out of the set that a line "strict", "documented" or
// "none" before it named.
func ParseRules(s string) (*RuleSet, error) {
	if set := named(s); set != nil {
		return set, nil
	}
	f, err := os.Open(s) //nolint:gosec // the user names the file
	if err != nil {
		return nil, fmt.Errorf("reading rules from %q, which is neither strict, documented, none nor a file: %w", s, err)
	}
	defer func() { _ = f.Close() }()
	set := None()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		word, _, _ := strings.Cut(lines.Text(), "#")
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		if base := named(word); base != nil {
			set = base
			continue
		}
		off := strings.HasPrefix(word, "-")
		if err := set.turn(strings.TrimPrefix(word, "-"), !off); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", s, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading rules from %s: %w", s, err)
	}
	set.name = s
	return set, nil
}

func named(s string) *RuleSet {
	switch s {
	case "strict":
		return Strict()
	case "documented":
		return Documented()
	case "none":
		return None()
	}
	return nil
}

// On reports whether a rule is on. Asking for a rule that is not in the list is
// a mistake of this package.
func (s *RuleSet) On(name string) bool { return s.on[name] }

// Empty reports whether no rule is on.
func (s *RuleSet) Empty() bool { return len(s.on) == 0 }

// Name says where the set came from, such as "strict" or "strict -smallint".
func (s *RuleSet) Name() string { return s.name }

// Allow turns rules off: there the stand-in behaves as PostgreSQL does.
func (s *RuleSet) Allow(names ...string) error {
	for _, n := range names {
		if err := s.turn(n, false); err != nil {
			return err
		}
		s.name += " -" + n
	}
	return nil
}

// Deny turns rules on: there the stand-in takes DB9's worse side.
func (s *RuleSet) Deny(names ...string) error {
	for _, n := range names {
		if err := s.turn(n, true); err != nil {
			return err
		}
		s.name += " +" + n
	}
	return nil
}

func (s *RuleSet) turn(name string, on bool) error {
	if !slices.ContainsFunc(Rules(), func(r Rule) bool { return r.Name == name }) {
		return fmt.Errorf("no rule is named %q: `db9sim --rules list` names them all", name)
	}
	if on {
		s.on[name] = true
	} else {
		delete(s.on, name)
	}
	return nil
}
