package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// external is the server that PGTEST_URL names.
func external(ctx context.Context, conn string) (*Cluster, error) {
	c, err := pgx.Connect(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("connect to PGTEST_URL: %w", err)
	}
	defer func() { _ = c.Close(ctx) }()
	var num string
	if err := c.QueryRow(ctx, "SHOW server_version_num").Scan(&num); err != nil {
		return nil, fmt.Errorf("ask PGTEST_URL for its version: %w", err)
	}
	n, err := strconv.Atoi(num)
	if err != nil {
		return nil, fmt.Errorf("read the version of PGTEST_URL: %w", err)
	}
	return &Cluster{external: conn, major: n / 10000}, nil
}

// withDatabase points a URL, or a string of keywords and values, to a database.
func withDatabase(conn, database string) string {
	if u, err := url.Parse(conn); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		u.Path, u.RawPath = "/"+database, ""
		return u.String()
	}
	return conn + " dbname=" + database // the last one counts
}
