package cron_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/stretchr/testify/require"

	"github.com/pg2db9/pg2db9/internal/sync/cron"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"* * * * *", "*/15 * * * *", " 0  6,18 * * mon-fri ", "30 2 * * *", "@daily", "@hourly", "0 0 29 2 *", "5-55/10 * * * 0", "0 0 31 * *", "0 0 L * *"} {
		_, err := cron.Parse(line)
		require.NoError(t, err, line)
	}
	for line, reason := range map[string]string{
		"":                "five fields are wanted",
		"* * * *":         "there are 4",
		"0 * * * * *":     "there are 6",
		"@everysecond":    "with a name there are @hourly",
		"60 * * * *":      `"60" is no minute (0 to 59)`,
		"0,60 * * * *":    `"60" is no minute (0 to 59)`, // the library looks no further than what is due now
		"0 24 * * *":      `"24" is no hour`,
		"0 0 0 * *":       `"0" is no day of the month (1 to 31)`,
		"0 0 * 13 *":      `"13" is no month`,
		"0 0 * * 8":       `"8" is no day of the week`,
		"x * * * *":       `"x" is no minute`,
		"*/90 * * * *":    "a step of 90 is beyond a minute",
		"*/0 * * * *":     `"*/0" is no minute`,
		"1,,2 * * * *":    `"" is no minute`,
		"30-10 * * * *":   `"30-10" is no minute`,
		"0 0 30 feb *":    "it is never due",
		"every 5 minutes": "there are 3",
	} {
		_, err := cron.Parse(line)
		require.ErrorContains(t, err, reason, line)
	}
}

// The days on which the clock is changed: Europe/Berlin goes from 02:00 to
// 03:00 on 29 March 2026 and from 03:00 back to 02:00 on 25 October 2026.
func TestNextOverChangesOfTheClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line, zone, from, to string
		want                       []string // moments, UTC
	}{
		{"leapt over, once at the leap", "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z", []string{"28T01:30", "29T01:00", "30T00:30"}},
		{"several leapt over are one", "*/20 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", []string{"29T01:00"}},
		{"leapt over and due at the leap are one", "0 2,3 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z", []string{"29T01:00"}},
		{"shown twice, once at the first", "30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z", []string{"24T00:30", "25T00:30", "26T01:30"}},
		{"every hour, by time that passes: leap", "30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", []string{"29T00:30", "29T01:30", "29T02:30"}},
		{"every hour, by time that passes: twice", "30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", []string{"25T00:30", "25T01:30", "25T02:30"}},
		{"midnight that is not there", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z", []string{"04T03:00", "05T02:00"}},
		{"half an hour", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", "2026-10-05T00:00:00Z", []string{"03T15:30", "04T15:15"}},
		{"a day that is not there", "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z", []string{"29T22:00", "30T10:00", "30T22:00", "31T22:00"}},
		{"leap day", "0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z", []string{"29T00:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			zone, err := time.LoadLocation(c.zone)
			require.NoError(t, err)
			var got []string
			for _, at := range all(t, c.line, zone, moment(t, c.from), moment(t, c.to)) {
				got = append(got, at.UTC().Format("02T15:04"))
			}
			require.Equal(t, c.want, got)
		})
	}
}

// Whatever the zone and whenever asked, every quarter of real time comes, and
// the next moment does not depend on where in between one asks.
func TestNextGoesOnEvenly(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		for _, day := range []string{"2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"} {
			from := moment(t, day+"T00:00:00Z").Add(-12 * time.Hour)
			quarters := all(t, "*/15 * * * *", zone, from.Add(-time.Second), from.Add(36*time.Hour))
			require.Len(t, quarters, 36*4+1, "%s %s", name, day)
			for i, at := range quarters {
				require.Equal(t, from.Add(time.Duration(i)*15*time.Minute), at.UTC())
			}
			for _, line := range []string{"30 2 * * *", "*/20 1-3 * * *", "5 */2 * * *"} {
				s, err := cron.Parse(line)
				require.NoError(t, err)
				due := all(t, line, zone, from, from.Add(72*time.Hour))
				for range 6 {
					at := from.Add(time.Duration(rnd.Int64N(int64(36 * time.Hour))))
					next, err := s.Next(at, zone)
					require.NoError(t, err)
					require.Equal(t, after(due, at), next.UTC(), "%s in %s after %s", line, name, at)
				}
			}
		}
	}
}

func after(due []time.Time, at time.Time) time.Time {
	for _, d := range due {
		if d.After(at) {
			return d.UTC()
		}
	}
	panic(fmt.Sprint("nothing is due after ", at))
}

func all(t *testing.T, line string, zone *time.Location, from, to time.Time) []time.Time {
	t.Helper()
	s, err := cron.Parse(line)
	require.NoError(t, err)
	var out []time.Time
	for at := from; ; {
		next, err := s.Next(at, zone)
		require.NoError(t, err)
		require.True(t, next.After(at), "%s after %s", next, at)
		if next.After(to) {
			return out
		}
		out, at = append(out, next), next
	}
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}
