/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests, each in a process of its own: what it leaves open, a namespace that it
 * enters or a user that it becomes ends with it, and a test that crashes or hangs
 * fails alone. A test fails by the first FAIL(), EXPECT() or EXPECT_*() that does
 * not hold, also in a process that it forks, if it collects that with join().
 *
 * The output, the counters and the exit codes are those of the kernel's
 * kselftest.h. Its kselftest_harness.h has processes, timeouts and skipping as
 * well, but these tests need what it lacks:
 *  - names that are sentences: there they are identifiers of C;
 *  - tables, also such as a program makes when it runs, in which one function
 *    stands several times, each time with another argument;
 *  - EXPECT_*() in functions and in processes that have no _metadata;
 *  - timeouts that TEST_SLOW makes longer: there a number is compiled in;
 *  - an exit code that says that nothing has run.
 */
#ifndef KTAP_H
#define KTAP_H

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest.h"
#include "slow.h"

/* A test that takes longer hangs; emulated machines are slow. */
#define KTAP_TIMEOUT_SEC	60
/* A state that is waited for longer than this does not come. */
#define KTAP_DEADLINE_MS	10000

struct ktap_test {
	const char *name;
	void (*run)(const void *arg);
	const void *arg;
};

/* Why a test was skipped; shared with the process that prints the result. */
static char *ktap_reason;

#define DIAG(fmt, ...)	ksft_print_msg(fmt "\n", ##__VA_ARGS__)

/* The end of a process that has failed; what it has printed does not go with it. */
static inline __noreturn void ktap_fail(void)
{
	fflush(stdout);
	_exit(KSFT_FAIL);
}

#define FAIL(fmt, ...) do {						\
	DIAG("%s:%d: " fmt, __FILE__, __LINE__, ##__VA_ARGS__);		\
	ktap_fail();							\
} while (0)

#define SKIP(fmt, ...) do {						\
	snprintf(ktap_reason, 256, fmt, ##__VA_ARGS__);			\
	_exit(KSFT_SKIP);						\
} while (0)

#define EXPECT(cond, fmt, ...) do {					\
	if (!(cond))							\
		FAIL("not true: %s: " fmt, #cond, ##__VA_ARGS__);	\
} while (0)

#define EXPECT_EQ(got, want) do {					\
	long long got_ = (got), want_ = (want);				\
									\
	if (got_ != want_)						\
		FAIL("%s is %lld (0x%llx), not %lld (0x%llx)", #got,	\
		     got_, got_, want_, want_);				\
} while (0)

/* For calls that return 0 or a negative errno. */
#define EXPECT_OK(call) do {						\
	int err_ = (call);						\
									\
	if (err_ < 0)							\
		FAIL("%s: %s", #call, strerror(-err_));			\
} while (0)

#define EXPECT_STR(got, want) do {					\
	const char *got_ = (got), *want_ = (want);			\
									\
	if (!got_ != !want_ || (got_ && want_ && strcmp(got_, want_)))	\
		FAIL("%s is \"%s\", not \"%s\"", #got,			\
		     got_ ?: "(none)", want_ ?: "(none)");		\
} while (0)

#define EXPECT_BYTES(got, got_len, want, want_len)			\
	ktap_bytes(__FILE__, __LINE__, got, got_len, want, want_len)

static inline void ktap_bytes(const char *file, int line, const void *got,
			      size_t got_len, const void *want, size_t want_len)
{
	const unsigned char *g = got, *w = want;
	size_t i = 0, shown;

	if (got_len == want_len && !memcmp(got, want, got_len))
		return;
	while (i < got_len && i < want_len && g[i] == w[i])
		i++;
	DIAG("%s:%d: %zu bytes, not %zu; the first difference is at %zu", file,
	     line, got_len, want_len, i);
	for (int side = 0; side < 2; side++) {
		const unsigned char *p = side ? w : g;
		size_t len = side ? want_len : got_len;
		char hex[3 * 16 + 1] = "";

		for (shown = 0; shown < 16 && i + shown < len; shown++)
			sprintf(hex + 3 * shown, " %02x", p[i + shown]);
		DIAG("  %s%s", side ? "expected" : "got     ", hex);
	}
	ktap_fail();
}

static inline int64_t ktap_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static inline void ktap_pause(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
}

/* Wait until @cond holds, and fail at the deadline. */
#define WAIT_FOR(cond) do {						\
	int64_t end_ = ktap_now_ms() + slow(KTAP_DEADLINE_MS);		\
									\
	while (!(cond)) {						\
		if (ktap_now_ms() > end_)				\
			FAIL("still not true after %d ms: %s",		\
			     slow(KTAP_DEADLINE_MS), #cond);		\
		ktap_pause();						\
	}								\
} while (0)

/* Memory that processes forked from here on share. */
static inline void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* What every process of a test begins with: it ends in time, or with its parent. */
static inline void ktap_begin(void)
{
	alarm(slow(KTAP_TIMEOUT_SEC));
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Run @fn in a process of its own; collect its outcome with join(). */
static inline pid_t spawn(void (*fn)(const void *), const void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		FAIL("fork failed");
	if (!pid) {
		ktap_begin();
		fn(arg);
		_exit(0);
	}
	return pid;
}

/* Wait for a process from spawn(), and end like it unless it was successful. */
static inline void join(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		FAIL("waitpid failed");
	if (WIFSIGNALED(status))
		FAIL("process %d was killed by signal %d", pid, WTERMSIG(status));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
}

/* Run @fn in a process of its own and wait for it. */
static inline void in_process(void (*fn)(const void *), const void *arg)
{
	join(spawn(fn, arg));
}

static inline int ktap_run(const struct ktap_test *tests, size_t count)
{
	ktap_reason = shared_memory(256);
	if (!ktap_reason)
		return KSFT_FAIL;
	ksft_print_header();
	ksft_set_plan(count);

	for (size_t i = 0; i < count; i++) {
		const struct ktap_test *test = &tests[i];
		int status, result = KSFT_FAIL;
		pid_t pid;

		pid = fork();
		if (!pid) {
			ktap_begin();
			test->run(test->arg);
			fflush(stdout);
			_exit(KSFT_PASS);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			DIAG("no process: %s", strerror(errno));
		else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
			DIAG("no end after %d s", slow(KTAP_TIMEOUT_SEC));
		else if (WIFSIGNALED(status))
			DIAG("killed by signal %d", WTERMSIG(status));
		else if (WEXITSTATUS(status) == KSFT_PASS || WEXITSTATUS(status) == KSFT_SKIP)
			result = WEXITSTATUS(status);

		ksft_test_result_code(result, test->name, result == KSFT_SKIP ? "%s" : NULL,
				      ktap_reason);
	}
	ksft_print_cnts();
	if (ksft_get_fail_cnt())
		return KSFT_FAIL;
	return ksft_get_pass_cnt() ? KSFT_PASS : KSFT_SKIP;
}

#endif /* KTAP_H */
