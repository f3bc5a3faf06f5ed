package digest

import (
	"bytes"
	"strconv"
)

const (
	monthsPerYear  = 12
	secondsPerDay  = 24 * 60 * 60
	microsPerSec   = 1_000_000
	fractionDigits = 6
	// mostUnits and mostTokens bound what is read, so that no sum overflows.
	// PostgreSQL keeps at most 2^31 months, 2^31 days and 2^63 microseconds.
	mostUnits  = int64(1) << 33
	mostTokens = 8
)

// units are those of IntervalStyle postgres and their long forms, in months or seconds.
var units = map[string]struct{ months, seconds int64 }{
	"year": {months: monthsPerYear}, "years": {months: monthsPerYear},
	"mon": {months: 1}, "mons": {months: 1}, "month": {months: 1}, "months": {months: 1},
	"week": {seconds: 7 * secondsPerDay}, "weeks": {seconds: 7 * secondsPerDay},
	"day": {seconds: secondsPerDay}, "days": {seconds: secondsPerDay},
}

// appendInterval writes an interval as months and seconds, days counted as 24
// hours: what a target keeps that stores no more than months and milliseconds.
// Microseconds stay, since they are rounded on the source where they are lost.
func appendInterval(dst, value []byte) ([]byte, bool) { return appendSpan(dst, value, false) }

// appendIntervalDays writes an interval as months, days and seconds.
func appendIntervalDays(dst, value []byte) ([]byte, bool) { return appendSpan(dst, value, true) }

func appendSpan(dst, value []byte, apart bool) ([]byte, bool) {
	switch string(value) {
	case "infinity", "-infinity":
		return append(dst, value...), true
	case "":
		return dst, false
	}
	var months, days, seconds, micros int64
	tokens := 0
	for rest := value; len(rest) > 0; {
		if tokens++; tokens > mostTokens {
			return dst, false
		}
		var token []byte
		token, rest, _ = bytes.Cut(rest, []byte(" "))
		if bytes.IndexByte(token, ':') >= 0 {
			s, us, ok := signedClock(token)
			if !ok {
				return dst, false
			}
			seconds += s
			micros += us
			continue
		}
		n, err := strconv.ParseInt(string(token), 10, 64)
		if err != nil || n > mostUnits || n < -mostUnits {
			return dst, false
		}
		var word []byte
		word, rest, _ = bytes.Cut(rest, []byte(" "))
		u, ok := units[string(word)]
		if !ok {
			return dst, false
		}
		months += n * u.months
		if apart {
			days += n * u.seconds / secondsPerDay
		} else {
			seconds += n * u.seconds
		}
	}
	seconds += micros / microsPerSec
	if micros %= microsPerSec; micros < 0 {
		micros += microsPerSec
		seconds--
	}
	dst = append(strconv.AppendInt(dst, months, 10), " mons "...)
	if apart {
		dst = append(strconv.AppendInt(dst, days, 10), " days "...)
	}
	dst = append(strconv.AppendInt(dst, seconds, 10), " s "...)
	return append(strconv.AppendInt(dst, micros, 10), " us"...), true
}

// signedClock reads [+-]H...H:MM:SS[.ffffff], the sign being that of the whole.
func signedClock(b []byte) (seconds, micros int64, ok bool) {
	sign := int64(1)
	switch b[0] {
	case '-':
		sign, b = -1, b[1:]
	case '+':
		b = b[1:]
	}
	colon := bytes.IndexByte(b, ':')
	if colon < 1 {
		return 0, 0, false
	}
	hours, err := strconv.ParseInt(string(b[:colon]), 10, 64)
	rest := b[colon:]
	if err != nil || hours > mostUnits || !digitsOnly(b[:colon]) || len(rest) < len(":00:00") || rest[3] != ':' ||
		!digitsOnly(rest[1:3]) || !digitsOnly(rest[4:6]) {
		return 0, 0, false
	}
	minutes := int64(rest[1]-'0')*10 + int64(rest[2]-'0')
	secs := int64(rest[4]-'0')*10 + int64(rest[5]-'0')
	if rest = rest[6:]; len(rest) > 0 {
		fraction := bytes.TrimRight(rest[1:], "0")
		if rest[0] != '.' || len(rest) == 1 || len(fraction) > fractionDigits || !digitsOnly(fraction) {
			return 0, 0, false
		}
		for i := range fractionDigits {
			micros *= 10
			if i < len(fraction) {
				micros += int64(fraction[i] - '0')
			}
		}
	}
	return sign * (hours*3600 + minutes*60 + secs), sign * micros, true
}
