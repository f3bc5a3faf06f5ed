package dial_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Plaintext is used only where the user wrote it, or on a unix socket (M7).
func TestParseNeverFallsBackToPlaintext(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"postgres://u@h/d":                          "TLS, certificate not verified",
		"postgres://u@h/d?sslmode=prefer":           "TLS, certificate not verified",
		"postgres://u@h/d?sslmode=allow":            "TLS, certificate not verified",
		"postgres://u@h/d?sslmode=require":          "TLS, certificate not verified",
		"postgres://u@h/d?sslmode=verify-full":      "TLS, certificate verified",
		"postgres://u@h/d?sslmode=disable":          "plaintext (sslmode=disable)",
		"postgres://u@h1,h2:5433/d?sslmode=prefer":  "TLS, certificate not verified",
		"postgres://u@/d?host=/tmp":                 "unix socket",
		"host=h user=u dbname=d sslmode=disable":    "plaintext (sslmode=disable)",
		"host=/tmp,h user=u dbname=d sslmode=allow": "unix socket",
	} {
		e, err := dial.Parse(dial.Source, url)
		require.NoError(t, err, url)
		require.Equal(t, want, e.Transport(), url)
	}
}

// A server without TLS is not spoken to in the clear: the connection fails and
// says what the user may write.
func TestConnectRefusesPlaintext(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true})
	db := c.Database(t)
	e, err := dial.Parse(dial.Target, strings.NewReplacer("sslmode=disable", "sslmode=prefer").Replace(db.URL))
	require.NoError(t, err)
	_, err = e.Connect(t.Context(), dial.Writer())
	require.ErrorContains(t, err, "refused TLS")
	require.ErrorContains(t, err, "sslmode=disable")
}

// No password in what is printed, whatever it holds and however it is written (M5).
func TestPasswordsAreNotPrinted(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for _, url := range []string{
		"postgres://user:s3cr3t@h/d?sslmode=disable",
		"postgres://user:s3cr3t%40%3A%2F%3F%23@h/d",
		"postgres://user:s3cr3t@:/?#%&+ '@h/d",
		"postgres://user:s3cr3t@h:port/d",
		"postgres://user:x@s3cr3t@h/d",
		"postgres://u:123456s3cr3t?x@h/db",
		"postgres://u:1/s3cr3t@h/db",
		"host=h user=u password='s3cr3t \\' x' dbname=d",
		"host=h password=s3cr3t sslmode=nonsense",
		"password=s3cr3t host",
		"mysql://user:s3cr3t@h/d",
		"postgres://user:s3cr3t@h/d?sslmode=verify-full&sslrootcert=/no/such/file",
		"s3cr3t",
	} {
		e, err := dial.Parse(dial.Source, url)
		if err != nil {
			require.NotContains(t, err.Error(), secret, url)
			require.NotContains(t, fmt.Sprintf("%+v %#v", err, err), secret, url)
			continue
		}
		require.NotContains(t, e.String(), secret, url)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = e.WithDial(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no network") }).Connect(ctx, dial.Reader())
		cancel()
		require.Error(t, err)
		require.NotContains(t, err.Error(), secret, url)
	}
}

// M5: a password with every special character connects, by each way that it can
// be given, and is not printed.
func TestM5SpecialCharacters(t *testing.T) {
	t.Parallel()
	const secret = `s3@:/?#%&+ '"\`
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	db := c.Database(t)
	db.Exec(t, `CREATE ROLE special LOGIN PASSWORD 's3@:/?#%&+ ''"\'`)
	server := db.URL[strings.LastIndex(db.URL, "@")+1:] // host:port/database?sslmode=disable
	host, port, err := net.SplitHostPort(server[:strings.Index(server, "/")])
	require.NoError(t, err)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	pass := file("pass", host+":"+port+":*:special:"+strings.NewReplacer(`\`, `\\`, `:`, `\:`).Replace(secret)+"\n")
	service := file("service", "[here]\nhost="+host+"\nport="+port+"\ndbname="+db.Name+"\nuser=special\nsslmode=disable\npassword="+secret+"\n")
	for name, connString := range map[string]string{
		"URL, encoded":       "postgres://special:" + url.QueryEscape("s3@:/?#%&") + "%2B%20%27%22%5C@" + server,
		"URL, as it is":      "postgres://special:" + secret + "@" + server,
		"URL, in its query":  "postgres://special@" + server + "&password=" + "s3%40%3A%2F%3F%23%25%26%2B%20%27%22%5C",
		"keywords":           "user=special password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret) + "' host=" + host + " port=" + port + " dbname=" + db.Name + " sslmode=disable",
		".pgpass":            "postgres://special@" + server + "&passfile=" + pass,
		"service file":       "service=here servicefile=" + service,
		"service by the URL": "postgres:///?service=here&servicefile=" + service,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Parse(dial.Source, connString)
			require.NoError(t, err)
			require.Equal(t, secret, e.Secret())
			require.NotContains(t, strings.ReplaceAll(e.String(), db.Name, ""), "s3") // the name ends in chance
			conn, err := e.Connect(t.Context(), dial.Reader())
			require.NoError(t, err)
			require.NoError(t, conn.Close(t.Context()))
		})
	}
}

// M5: the same by the environment, which a whole process shares.
func TestM5Environment(t *testing.T) { //nolint:paralleltest // sets the environment
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	db := c.Database(t)
	db.Exec(t, `CREATE ROLE special LOGIN PASSWORD 's3@:/?#%&+ ''"\'`)
	t.Setenv("PGPASSWORD", `s3@:/?#%&+ '"\`)
	e, err := dial.Parse(dial.Source, "postgres://special@"+db.URL[strings.LastIndex(db.URL, "@")+1:])
	require.NoError(t, err)
	conn, err := e.Connect(t.Context(), dial.Reader())
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

// M5: a password that stands in a URL as it is is never taken for a host, and
// what could be is refused.
func TestM5PasswordsInURLs(t *testing.T) {
	t.Parallel()
	for connString, want := range map[string]struct{ host, password string }{
		"postgres://u:p%40w@h/d":                    {"h", "p@w"},
		"postgres://u:p@w@h/d":                      {"h", "p@w"},
		"postgres://u:p@@w@h":                       {"h", "p@@w"},
		"postgres://u:p/w@h/d":                      {"h", "p/w"},
		"postgres://u:p?w=1@h/d":                    {"h", "p?w=1"},
		"postgres://u:p#w@h:5433/d?sslmode=disable": {"h", "p#w"},
		"postgres://u:50%@h/d":                      {"h", "50%"},
		"postgres://u:p w@h1:1,h2:2/d":              {"h1", "p w"},
		"postgres://u:@:/?#%&+ '@h/d":               {"h", "@:/?#%&+ '"},
		"postgres://u:a+b&c'd@h/d":                  {"h", "a+b&c'd"},
		"postgres://u:p:w@[::1]:5433/d":             {"::1", "p:w"},
		"postgres://u:p@h/d?application_name=a@b":   {"h", "p"},
		"postgres://h/d?user=a@b&password=p":        {"h", "p"},
		"postgres://u:p@w%40x@h/d":                  {}, // a part is encoded
		"postgres://u:p@w/x@h/d":                    {}, // the database could be x@h/d
		"postgres://u:p@w/x?y@h/d":                  {},
		"postgres://u:1234/w@h/d":                   {}, // the port could be 1234
		"postgres://u:?w@h/d":                       {},
		"postgres://u:p w@h h/d":                    {},
	} {
		e, err := dial.Parse(dial.Source, connString)
		if want.host == "" {
			require.ErrorContains(t, err, "not percent-encoded", connString)
			continue
		}
		require.NoError(t, err, connString)
		require.Equal(t, want.password, e.Secret(), connString)
		require.True(t, strings.HasPrefix(e.String(), "postgres://u@"+want.host) || strings.HasPrefix(e.String(), "postgres://a%40b@h:") ||
			strings.HasPrefix(e.String(), "postgres://u@["+want.host+"]"), e.String())
	}
}

// Each failure to connect is one clear message with what to do.
func TestConnectErrors(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true})
	db := c.Database(t)
	for name, tc := range map[string]struct {
		url, want, hint, state string
	}{
		"unknown database": {strings.Replace(db.URL, db.Name, "nowhere", 1), "does not exist", "create the database", "3D000"},
		"wrong password":   {withPassword(db.URL, "wrong"), "password authentication failed", "check user and password", "28P01"},
		"unreachable":      {"postgres://u@127.0.0.1:1/d?sslmode=disable", "refused", "check host, port", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := dial.Parse(dial.Source, tc.url)
			require.NoError(t, err)
			_, err = e.Connect(t.Context(), dial.Reader())
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, tc.hint)
			require.ErrorContains(t, err, "connecting to the source")
			require.Equal(t, tc.state, dial.SQLState(err))
		})
	}
}

// withPassword replaces the password of a URL.
func withPassword(url, password string) string {
	at := strings.LastIndex(url, "@")
	colon := strings.LastIndex(url[:at], ":")
	return url[:colon+1] + password + url[at:]
}

// Every major takes the settings, and they are read back.
func TestSettingsOnEveryMajor(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 14, 15, 16, 17, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			db := pgtest.Major(t, major).Database(t)
			e, err := dial.Parse(dial.Source, db.URL)
			require.NoError(t, err)
			for _, s := range []dial.Settings{dial.Reader(), dial.Writer(), dial.Reader().RawMoney(), dial.Writer().With("synchronous_commit", "off")} {
				conn, err := e.Connect(t.Context(), s)
				require.NoError(t, err)
				require.Equal(t, major, dial.Major(conn.PgConn()))
				var zone, path string
				require.NoError(t, conn.QueryRow(t.Context(), "SELECT current_setting('TimeZone'), current_setting('search_path')").Scan(&zone, &path))
				require.Equal(t, []string{"UTC", `""`}, []string{zone, path})
				require.NoError(t, conn.Close(t.Context()))
			}
		})
	}
}

// A setting that does not read back is an error: rows would travel in another
// form than both sides expect.
func TestSettingsThatDoNotTakeAreAnError(t *testing.T) {
	t.Parallel()
	e, err := dial.Parse(dial.Target, pgtest.Server(t).Database(t).URL)
	require.NoError(t, err)
	_, err = e.Connect(t.Context(), dial.Writer().With("work_mem", "1024kB")) // shown as 1MB
	require.ErrorContains(t, err, `work_mem = "1024kB" but shows "1MB"`)
}

// C8: whether an error may pass is decided by SQLSTATE class, in one place; of
// XX000, which says nothing, by TiKV's known texts.
func TestC8Classify(t *testing.T) {
	t.Parallel()
	state := func(code string) error { return fmt.Errorf("doing: %w", &pgconn.PgError{Code: code}) }
	text := func(message string) error { return &pgconn.PgError{Code: "XX000", Message: message} }
	for want, errs := range map[dial.Class][]error{
		dial.Retry: {
			state("40001"), state("40P01"), state("53000"), state("53100"), state("53200"), state("53300"), state("57P03"), state("55006"),
			state("25006"), state("57014"),
			text("TiKV server timeout"), text("[kv:9007]Write conflict, txnStartTS=1"), text("Region is unavailable"), text("autocommit update failed"),
			text("pessimistic lock not found"), &dial.CommandError{},
		},
		dial.Lost: {
			state("57P01"), state("57P02"), state("08006"), state("25P03"), state("57P05"), io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
			&net.OpError{Op: "read", Err: errors.New("reset")}, context.DeadlineExceeded, errors.New("tls: bad record MAC"),
			fmt.Errorf("reading: %w", tls.RecordHeaderError{}), fmt.Errorf("reading: %w: out of step", dial.ErrLost),
		},
		dial.Final: {
			nil, state("42501"), state("28P01"), state("28000"), state("42P01"), state("0A000"), state("55P03"),
			state("XX000"), text("index out of range"), errors.New("anything"),
		},
		dial.Refused: {
			state("22001"), state("22003"), state("22P02"), state("22P04"), state("22021"), state("23502"), state("23503"), state("23505"), state("23514"), state("23P01"),
			state("54000"), state("54001"), state("44000"), state("P0001"), text("value too large"), text("[kv:8025]entry too large, the max entry size is 6291456"),
			&pgconn.PgError{Code: "22023", Message: "write conflict"},
		},
		dial.Cancelled: {context.Canceled, fmt.Errorf("x: %w", context.Canceled)},
	} {
		for _, err := range errs {
			require.Equal(t, want, dial.Classify(err), "%v", err)
		}
	}
}

// C7: what a server lacks may come back, so that it is tried again for a while;
// then the message says what to do.
func TestC7Remedies(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, pgtest.ClusterOptions{TCP: true, Password: true}).Database(t)
	db.Exec(t, "CREATE ROLE crowded LOGIN PASSWORD 'p' CONNECTION LIMIT 0; CREATE ROLE reading LOGIN PASSWORD 'p'; ALTER ROLE reading SET default_transaction_read_only = on")
	as := func(role string) *dial.Endpoint {
		e, err := dial.Parse(dial.Target, "postgres://"+role+":p"+db.URL[strings.LastIndex(db.URL, "@"):])
		require.NoError(t, err)
		return e
	}
	_, err := as("crowded").Connect(t.Context(), dial.Writer())
	require.Equal(t, "53300", dial.SQLState(err))
	require.Equal(t, dial.Retry, dial.Classify(err))
	require.ErrorContains(t, err, "free connections on the server, raise its limit, or lower --jobs")

	conn, err := as("reading").Connect(t.Context(), dial.Writer())
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "CREATE TABLE t ()")
	require.Equal(t, "25006", dial.SQLState(err))
	require.Equal(t, dial.Retry, dial.Classify(err))
	require.Contains(t, dial.Remedy(err), "name the primary")

	for code, want := range map[string]string{"53100": "disk is full", "53200": "lower --jobs", "57014": "statement_timeout", "23505": ""} {
		got := dial.Remedy(fmt.Errorf("doing: %w", &pgconn.PgError{Code: code}))
		require.Contains(t, got, want, code)
		require.Equal(t, want == "", got == "", code)
	}
}
