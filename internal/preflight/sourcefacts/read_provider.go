package sourcefacts

import (
	"context"
	"slices"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/provider"
)

// provider asks for the signs of managed services, and lists what is theirs.
func (r *reader) provider(ctx context.Context) error {
	signs, err := r.signs(ctx)
	if err != nil {
		return err
	}
	p := Provider{
		Found: provider.Detect(signs), Schemas: []Schema{},
		Roles: []string{}, Extensions: []string{}, EventTriggers: []string{}, Publications: []string{}, Databases: []string{},
	}
	if p.Evidence == nil || p.Name == "" {
		p.Found = provider.Found{Evidence: []string{}}
	}
	r.facts.Provider = p
	if p.Name == "" {
		return nil
	}
	own := func(names []string, is func(provider.Name, string) bool) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !is(p.Name, n) })
	}
	p.Roles = own(signs.Roles, provider.IsRole)
	p.Extensions = own(signs.Extensions, provider.IsExtension)
	p.Databases = own(signs.Databases, provider.IsDatabase)
	type schema struct {
		Name   string `db:"name"`
		Tables int64  `db:"tables"`
	}
	schemas, err := rows[schema](ctx, r.q, "schema_tables", own(signs.Schemas, provider.IsSchema))
	if err != nil {
		return err
	}
	for _, s := range schemas {
		p.Schemas = append(p.Schemas, Schema(s))
	}
	type object struct {
		Kind  string `db:"kind"`
		Name  string `db:"name"`
		Owner string `db:"owner"`
	}
	objects, err := rows[object](ctx, r.q, "objects")
	if err != nil {
		return err
	}
	for _, o := range objects {
		switch {
		case o.Kind == "publication" && provider.IsPublication(p.Name, o.Name, o.Owner):
			p.Publications = append(p.Publications, o.Name)
		case o.Kind == "event trigger" && provider.IsEventTrigger(p.Name, o.Name, o.Owner):
			p.EventTriggers = append(p.EventTriggers, o.Name)
		}
	}
	r.facts.Provider = p
	return nil
}

func (r *reader) signs(ctx context.Context) (provider.Signs, error) {
	settings, functions := provider.Marks()
	s := provider.Signs{Host: r.p.Host, Database: r.facts.Database}
	type sign struct {
		Kind string `db:"kind"`
		Name string `db:"name"`
	}
	all, err := rows[sign](ctx, r.q, "signs", functions)
	if err != nil {
		return s, err
	}
	for _, x := range all {
		switch x.Kind {
		case "role":
			s.Roles = append(s.Roles, x.Name)
		case "schema":
			s.Schemas = append(s.Schemas, x.Name)
		case "extension":
			s.Extensions = append(s.Extensions, x.Name)
		case "database":
			s.Databases = append(s.Databases, x.Name)
		case "function":
			s.Functions = append(s.Functions, x.Name)
		}
	}
	s.Settings, err = r.names(ctx, "settings_shown", settings)
	if dial.SQLState(err) == pgerrcode.InsufficientPrivilege {
		s.Settings, err = r.names(ctx, "settings_listed", settings)
	}
	return s, err
}

func (r *reader) names(ctx context.Context, query string, args ...any) ([]string, error) {
	got, err := r.q.Query(ctx, text(query), append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(got, pgx.RowTo[string])
}
