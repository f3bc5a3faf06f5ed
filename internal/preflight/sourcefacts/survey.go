package sourcefacts

import (
	"context"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// Survey reads all facts of a source: by a connection that is there, and by
// some of its own to find out what stands before the server. A server that has
// no connection left for that is no failure: it is unknown then.
func Survey(ctx context.Context, e *dial.Endpoint, q Querier) (*Facts, error) {
	f, err := Read(ctx, q, Params{Host: e.Host()})
	if err != nil {
		return nil, err
	}
	f.Pooler, err = Between(ctx, func(ctx context.Context) (*pgx.Conn, error) { return e.Connect(ctx, dial.Asker()) })
	switch {
	case dial.SQLState(err) == pgerrcode.TooManyConnections:
		f.Pooler.Asked = false
		f.Unknown = append(f.Unknown, Unknown{What: "what stands before the server", Why: why(err)})
	case err != nil:
		return nil, fmt.Errorf("finding out what stands before the source: %w", err)
	}
	if proxied(e.Host()) && !f.Pooler.Transaction {
		f.Pooler.Session = true
		f.Pooler.Evidence = append(f.Pooler.Evidence, "the host is an RDS Proxy's")
	}
	if f.Pooler.Transaction || f.Pooler.Balanced || f.Pooler.Session {
		f.Pooler.Direct = Direct(f.Provider.Name, e.Host(), e.Port(), e.User())
	}
	return f, nil
}
