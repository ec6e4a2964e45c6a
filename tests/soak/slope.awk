# SPDX-License-Identifier: GPL-2.0-or-later
# The growth of what was sampled ("SECONDS PROCESSES RSS PSS ANONYMOUS", KiB, and
# what the last is made of, see inside.sh): least squares over the means of 24
# equal pieces of time, without the first sixth, in which tables fill. Neighbouring samples are alike; the means are
# less so, and their scatter is what the standard error is made of. Ends with 1
# when an hour or more (LONG) shows growth that is no noise.
function fit(name, col,    i, k, n, sx, sy, sxx, sxy, x, y, d, slope, at, rest, se) {
	split("", sum); split("", count); split("", when)
	for (i = 1; i <= rows; i++) {
		if (time[i] < warm)
			continue
		k = int((time[i] - warm) / (end - warm + 0.001) * PIECES)
		sum[k] += value[i, col]; when[k] += time[i]; count[k]++
	}
	for (k = 0; k < PIECES; k++) {
		if (count[k] == 0)
			continue
		x = when[k] / count[k] / 3600; y = sum[k] / count[k]
		n++; sx += x; sy += y; sxx += x * x; sxy += x * y
	}
	if (n < 4) {
		printf "soak: %-12s too few samples\n", name
		return 0
	}
	d = n * sxx - sx * sx
	slope = (n * sxy - sx * sy) / d
	at = (sy - slope * sx) / n
	for (k = 0; k < PIECES; k++)
		if (count[k] > 0) {
			x = when[k] / count[k] / 3600
			y = sum[k] / count[k] - at - slope * x
			rest += y * y
		}
	se = sqrt(rest / (n - 2) * n / d)
	printf "soak: %-12s %.0f KiB at the start, %.0f at %.0f s, %.0f at the end; slope %+.0f KiB/h, standard error %.0f\n",
	    name, value[1, col], value[first, col], time[first], value[rows, col], slope, se
	return slope > 3 * se && slope > ALLOWED
}
BEGIN {
	PIECES = 24
	ALLOWED = 256	# KiB/h: 6 MiB a day
	LONG = 3000
}
NF == 9 {
	rows++
	time[rows] = $1
	for (i = 3; i <= 9; i++)
		value[rows, i] = $i
	processes = $2
}
END {
	if (rows == 0) {
		print "soak: no samples"
		exit 1
	}
	end = time[rows]
	warm = end / 6
	for (first = 1; time[first] < warm; first++)
		;
	grows = fit("resident", 3) + fit("proportional", 4) + fit("anonymous", 5)
	# Who it is.
	fit("keeper heap", 6)
	fit("keeper other", 7)
	fit("engine heap", 8)
	fit("engine other", 9)
	if (end < LONG)
		print "soak: too short to judge the slope"
	else if (grows) {
		print "soak: memory grows"
		exit 1
	}
}
