// Package provider knows the managed services that a source may run at: by
// which signs a server shows where it is, and what there is the service's own
// and not the user's. It is a leaf: it asks no server.
package provider

import (
	"fmt"
	"slices"
	"strings"
)

// Name is a provider's, as reports say it; "" is none that is known.
type Name string

// The providers.
const (
	Aurora       Name = "Aurora"
	RDS          Name = "RDS"
	Heroku       Name = "Heroku"
	Neon         Name = "Neon"
	Supabase     Name = "Supabase"
	Azure        Name = "Azure"
	CloudSQL     Name = "Cloud SQL"
	DigitalOcean Name = "DigitalOcean"
	Railway      Name = "Railway"
)

// Signs are what a server shows of where it is.
type Signs struct {
	Settings   []string // those of Marks().Settings that it has
	Functions  []string // of pg_catalog, those of Marks().Functions
	Roles      []string // all
	Schemas    []string // all
	Extensions []string // installed
	Databases  []string // all
	Host       string   // as it was named; never more than a part of the evidence
	Database   string   // the one connected to
}

// Found is a provider, and what it was recognised by.
type Found struct {
	Name     Name     `json:"name"`
	Evidence []string `json:"evidence"`
}

// Detect says where a server runs. A dump that was restored elsewhere takes
// schemas with it, and whoever likes may call a role "anon": only what no
// ordinary server has decides (a mark). Names that others may have too count
// where two of them meet.
func Detect(s Signs) Found {
	for _, p := range providers {
		f := Found{Name: p.Name}
		weight := 0
		see := func(what string, have []string, marks []string, points int) {
			for _, m := range marks {
				if matchAny(m, have) {
					f.Evidence = append(f.Evidence, what+" "+m)
					weight += points
				}
			}
		}
		see("setting", s.Settings, p.marks.settings, sure)
		see("function", s.Functions, p.marks.functions, sure)
		see("role", s.Roles, p.marks.roles, sure)
		see("database", s.Databases, p.marks.databases, sure)
		see("schema", s.Schemas, p.marks.schemas, half)
		see("extension", s.Extensions, p.marks.extensions, half)
		for _, suffix := range p.marks.hosts {
			if strings.HasSuffix(strings.ToLower(s.Host), suffix) {
				f.Evidence = append(f.Evidence, "host *"+suffix)
				weight += half
			}
		}
		if p.marks.database != "" && s.Database == p.marks.database {
			f.Evidence = append(f.Evidence, "connected to database "+s.Database)
			weight += half
		}
		if weight >= sure {
			return f
		}
	}
	return Found{}
}

// How much a sign says: one that is sure decides, two halves do.
const (
	half = 1
	sure = 2
)

// matchAny looks for a name, or with a * at its end for a beginning.
func matchAny(pattern string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return match(pattern, n) })
}

func match(pattern, name string) bool {
	if before, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, before)
	}
	return pattern == name
}

func matchOne(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, name) })
}

// Of returns what is known of a provider; false for none.
func Of(n Name) (Provider, bool) {
	i := slices.IndexFunc(providers, func(p Provider) bool { return p.Name == n })
	if i < 0 {
		return Provider{}, false
	}
	return providers[i], true
}

// All are the names of all providers that are known.
func All() []Name {
	out := make([]Name, len(providers))
	for i, p := range providers {
		out[i] = p.Name
	}
	return out
}

// IsRole reports whether a role is the provider's own: made by it, given by it
// to its users, and not to be carried.
func IsRole(n Name, role string) bool {
	p, ok := Of(n)
	return ok && matchOne(p.Roles, role)
}

// IsSchema reports whether a schema is the provider's own.
func IsSchema(n Name, schema string) bool {
	p, ok := Of(n)
	return ok && matchOne(p.Schemas, schema)
}

// IsExtension reports whether an extension exists at the provider alone.
func IsExtension(n Name, extension string) bool {
	p, ok := Of(n)
	return ok && matchOne(p.Extensions, extension)
}

// IsEventTrigger reports whether an event trigger is the provider's own, by its
// name or its owner.
func IsEventTrigger(n Name, name, owner string) bool {
	p, ok := Of(n)
	return ok && (matchOne(p.EventTriggers, name) || p.made(owner))
}

// IsPublication reports whether a publication is the provider's own.
func IsPublication(n Name, name, owner string) bool {
	p, ok := Of(n)
	return ok && (matchOne(p.Publications, name) || p.made(owner))
}

// made reports whether a role is one that only the provider acts as: users of
// some act as others of its roles.
func (p Provider) made(role string) bool { return matchOne(p.acts, role) }

// IsDatabase reports whether a database is the provider's own.
func IsDatabase(n Name, database string) bool {
	p, ok := Of(n)
	return ok && matchOne(p.Databases, database)
}

// Marks are what a server is asked for to tell where it is.
func Marks() (settings, functions []string) {
	for _, p := range providers {
		settings, functions = append(settings, p.marks.settings...), append(functions, p.marks.functions...)
	}
	return settings, functions
}

// String is a sentence's part: "Supabase (role supabase_admin)".
func (f Found) String() string {
	if f.Name == "" {
		return "no provider that is known"
	}
	return fmt.Sprintf("%s (%s)", f.Name, strings.Join(f.Evidence, ", "))
}
