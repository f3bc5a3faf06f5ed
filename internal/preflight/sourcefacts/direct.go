package sourcefacts

import (
	"net"
	"strconv"
	"strings"

	"github.com/pg2db9/pg2db9/internal/provider"
)

// Direct names the form of connection that reaches the server itself: of the
// host and port as they were given where the provider's forms are known, in
// words elsewhere. Hosts tell poolers' forms even where the provider is not seen.
func Direct(at provider.Name, host string, port uint16, user string) string {
	first, rest, _ := strings.Cut(host, ".")
	to := func(h string, p uint16) string { return net.JoinHostPort(h, strconv.Itoa(int(p))) }
	switch {
	case (at == provider.Neon || strings.HasSuffix(host, ".neon.tech")) && strings.HasSuffix(first, "-pooler"):
		return "connect to " + to(strings.TrimSuffix(first, "-pooler")+"."+rest, port) + ", the host without -pooler"
	case at == provider.Supabase || strings.HasSuffix(host, ".supabase.com") || strings.HasSuffix(host, ".supabase.co"):
		text := "connect to " + to(host, 5432) + ", the session pooler"
		if _, ref, ok := strings.Cut(user, "."); ok {
			text += ", or to " + to("db."+ref+".supabase.co", 5432) + " as postgres, which often has an IPv6 address alone"
		}
		return text
	case at == provider.DigitalOcean && port == 25061:
		return "connect to " + to(host, 25060) + " and to the database itself: a pool's name stands in place of it on port 25061"
	case (at == provider.Azure || at == provider.CloudSQL) && port == 6432:
		return "connect to " + to(host, 5432) + ", not to PgBouncer on 6432"
	case proxied(host):
		return "connect to the instance's or the cluster's own endpoint, not to RDS Proxy (" + host + ")"
	case strings.Contains(rest, "cluster-ro-"):
		return "connect to the cluster's writer endpoint, not to the readers' (" + host + ")"
	}
	if p, ok := provider.Of(at); ok {
		return "connect to " + p.Direct
	}
	return "connect to the server's own host and port (5432 as a rule), not to the pooler or balancer before it (PgBouncer: 6432 as a rule)"
}

// proxied reports hosts that are known to be an RDS Proxy: it pins sessions that
// SET something, so that it cannot be told by behaviour from the server.
func proxied(host string) bool {
	_, rest, _ := strings.Cut(host, ".")
	return strings.HasPrefix(rest, "proxy-") && strings.HasSuffix(host, ".rds.amazonaws.com")
}
