// SPDX-License-Identifier: GPL-2.0
/*
 * What anybody can make the kernel do with one sendto(): it holds the lock of
 * generic netlink for all of the datagram, and may not take much longer than the
 * same number of look-ups in nlctrl, whatever each request asks for. Requests
 * that are so large that a datagram has few of them may not take longer than a
 * datagram of the same length that is full of look-ups.
 */
#include "attack.h"
#include "../../rust/board/board.h"

/* How much longer than nlctrl. */
#define TIMES	3

/*
 * Less than the default buffers: what a datagram costs beside its replies is in
 * proportion to its length, and what they may cost to that of the queue.
 */
enum { REQUESTS = 1000, LISTENERS = 4000, NOTES = 100, LARGE = 4096 };

/* What becomes of the replies. */
enum mode { UNREAD, READ_ON, CONGESTED, MODES };

static const char *const mode_names[MODES] = {
	"nobody reads", "somebody reads all the time", "congested and not empty",
};

struct attack {
	const char *name;
	void (*build)(struct nl_msg *m, uint16_t family);
	bool board;
	bool admin;	/* as root of a user and a network namespace of its own */
	int listeners;	/* members of the group of events that do not read */
	uint16_t flags;
};

#define START(cmd) nl_start(m, family, 0, NLPEER_CMD_##cmd, NLPEER_FAMILY_VERSION)
#define START_DUMP(cmd) nl_start(m, family, NLM_F_DUMP, NLPEER_CMD_##cmd, NLPEER_FAMILY_VERSION)

static void echo_small(struct nl_msg *m, uint16_t family)
{
	START(ECHO);
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
}

static void echo_full(struct nl_msg *m, uint16_t family)
{
	static char string[NLPEER_STRING_MAX + 1], text[NLPEER_TEXT_MAX + 1];
	size_t nest;

	memset(string, 'x', NLPEER_STRING_MAX);
	memset(text, 'x', NLPEER_TEXT_MAX);
	START(ECHO);
	nl_put_u32(m, NLPEER_A_VALUE_U32, 1);
	nl_put_u64(m, NLPEER_A_VALUE_U64, 1);
	nl_put_str(m, NLPEER_A_VALUE_STRING, string);
	nl_put(m, NLPEER_A_VALUE_BINARY, NULL, NLPEER_BINARY_MAX);
	nest = nl_nest(m, NLPEER_A_VALUE_NEST);
	nl_put_u32(m, NLPEER_A_NESTED_VALUE_U32, 1);
	nl_put_str(m, NLPEER_A_NESTED_VALUE_STRING, text);
	nl_nest_end(m, nest);
}

static void objects(struct nl_msg *m, uint16_t family)
{
	START_DUMP(OBJECT_GET);
	nl_put_u32(m, NLPEER_A_OBJECT_COUNT, NLPEER_COUNT_MAX);
}

/* As many as one buffer takes, so that another dump can follow in the datagram. */
static void objects_of_a_buffer(struct nl_msg *m, uint16_t family)
{
	START_DUMP(OBJECT_GET);
	nl_put_u32(m, NLPEER_A_OBJECT_COUNT, 240);
}

static void no_objects(struct nl_msg *m, uint16_t family)
{
	START_DUMP(OBJECT_GET);
	nl_put_u32(m, NLPEER_A_OBJECT_COUNT, 0);
}

static void status(struct nl_msg *m, uint16_t family)
{
	START(STATUS_GET);
}

static void event(struct nl_msg *m, uint16_t family)
{
	char text[NLPEER_TEXT_MAX + 1] = "";

	memset(text, 'x', NLPEER_TEXT_MAX);
	START(EVENT_SEND);
	nl_put_u32(m, NLPEER_A_EVENT_COOKIE, 1);
	nl_put_str(m, NLPEER_A_EVENT_TEXT, text);
}

static void event_everywhere(struct nl_msg *m, uint16_t family)
{
	START(EVENT_SEND);
	nl_put_u32(m, NLPEER_A_EVENT_COOKIE, 1);
	nl_put_u32(m, NLPEER_A_EVENT_AUDIENCE, NLPEER_AUDIENCE_EVERYWHERE);
}

/* 131 KiB each: the largest data and the longest list that a message has. */
static void put_trouble(struct nl_msg *m)
{
	nl_put_u32(m, NLPEER_A_TROUBLE_SIZE, 65531);
	nl_put_u32(m, NLPEER_A_TROUBLE_NUMBERS, 8191);
}

static void trouble(struct nl_msg *m, uint16_t family)
{
	START(TROUBLE_GET);
	put_trouble(m);
}

static void trouble_list(struct nl_msg *m, uint16_t family)
{
	START(TROUBLE_GET);
	nl_put_u32(m, NLPEER_A_TROUBLE_NUMBERS, 8191);
}

/* What no message can hold is refused only when it has been measured. */
static void trouble_too_large(struct nl_msg *m, uint16_t family)
{
	START(TROUBLE_GET);
	nl_put_u32(m, NLPEER_A_TROUBLE_SIZE, NLPEER_SIZE_MAX);
	nl_put_u32(m, NLPEER_A_TROUBLE_NUMBERS, NLPEER_NUMBERS_MAX);
}

static void trouble_dump(struct nl_msg *m, uint16_t family)
{
	START_DUMP(TROUBLE_GET);
	put_trouble(m);
	nl_put_u32(m, NLPEER_A_TROUBLE_COUNT, 1);
}

static void trouble_small_dump(struct nl_msg *m, uint16_t family)
{
	START_DUMP(TROUBLE_GET);
	nl_put_u32(m, NLPEER_A_TROUBLE_NUMBERS, 100);
	nl_put_u32(m, NLPEER_A_TROUBLE_COUNT, 30);
}

static void trouble_empty(struct nl_msg *m, uint16_t family)
{
	START_DUMP(TROUBLE_GET);
	nl_put_u32(m, NLPEER_A_TROUBLE_COUNT, 1000);
}

static void trouble_stuck(struct nl_msg *m, uint16_t family)
{
	START_DUMP(TROUBLE_GET);
	nl_put_u32(m, NLPEER_A_TROUBLE_COUNT, 1);
	nl_put(m, NLPEER_A_TROUBLE_STUCK, NULL, 0);
}

static void put_small_types(struct nl_msg *m)
{
	static const struct { uint16_t type; uint8_t len, value; } numbers[] = {
		{ NLPEER_A_TYPES_U8, 1, 1 }, { NLPEER_A_TYPES_U16, 2, 1 },
		{ NLPEER_A_TYPES_U32, 4, 1 }, { NLPEER_A_TYPES_U64, 8, 1 },
		{ NLPEER_A_TYPES_S8, 1, 1 }, { NLPEER_A_TYPES_S16, 2, 1 },
		{ NLPEER_A_TYPES_S32, 4, 1 }, { NLPEER_A_TYPES_S64, 8, 1 },
		{ NLPEER_A_TYPES_UINT, 8, 1 }, { NLPEER_A_TYPES_SINT, 8, 1 },
		{ NLPEER_A_TYPES_BE16, 2, 1 }, { NLPEER_A_TYPES_BE32, 4, 1 },
		{ NLPEER_A_TYPES_FLAG, 0, 0 }, { NLPEER_A_TYPES_MAC, 6, 1 },
		{ NLPEER_A_TYPES_AT_LEAST, 4, 1 }, { NLPEER_A_TYPES_RANGE, 4, 10 },
		{ NLPEER_A_TYPES_SIGNED_RANGE, 4, 1 }, { NLPEER_A_TYPES_COLOR, 4, 1 },
		{ NLPEER_A_TYPES_MODES, 4, 1 }, { NLPEER_A_TYPES_NUMBERS, 4, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		unsigned char bytes[8] = { numbers[i].value };

		nl_put(m, numbers[i].type, bytes, numbers[i].len);
	}
	nl_put_str(m, NLPEER_A_TYPES_STRING, "string");
	nl_put(m, NLPEER_A_TYPES_BINARY, "bytes", 5);
	nl_put_str(m, NLPEER_A_TYPES_STRINGS, "one");
}

static void put_two(struct nl_msg *m, uint16_t type, uint16_t first, uint16_t second)
{
	size_t nest = nl_nest(m, type);

	nl_put_u32(m, first, 1);
	if (second)
		nl_put_u32(m, second, 2);
	nl_nest_end(m, nest);
}

static void put_tree(struct nl_msg *m, uint16_t type, int depth)
{
	size_t nest = nl_nest(m, type);

	nl_put_u32(m, NLPEER_A_TREE_VALUE, depth);
	if (depth > 1)
		put_tree(m, NLPEER_A_TREE_CHILD, depth - 1);
	nl_nest_end(m, nest);
}

static void put_items(struct nl_msg *m, int count)
{
	size_t array = nl_nest(m, NLPEER_A_TYPES_ARRAY);

	for (int i = 1; i <= count; i++)
		put_two(m, i, NLPEER_A_ITEM_VALUE, 0);
	nl_nest_end(m, array);
}

static void types_each(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	put_small_types(m);
	put_two(m, NLPEER_A_TYPES_PAIRS, NLPEER_A_PAIR_A, NLPEER_A_PAIR_B);
	put_items(m, 2);
	put_tree(m, NLPEER_A_TYPES_TREE, 9);
}

static void types_tree(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	put_tree(m, NLPEER_A_TYPES_TREE, 9);
}

static void types_numbers(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	for (int i = 0; i < 8000; i++)
		nl_put_u32(m, NLPEER_A_TYPES_NUMBERS, i);
}

static void types_strings(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	for (int i = 0; i < 8000; i++)
		nl_put_str(m, NLPEER_A_TYPES_STRINGS, "x");
}

static void types_pairs(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	for (int i = 0; i < 3000; i++)
		put_two(m, NLPEER_A_TYPES_PAIRS, NLPEER_A_PAIR_A, NLPEER_A_PAIR_B);
}

static void types_array(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	put_items(m, 5000);
}

static void types_of_all(struct nl_msg *m, uint16_t family)
{
	START(TYPES);
	put_small_types(m);
	for (int i = 0; i < 1000; i++) {
		nl_put_u32(m, NLPEER_A_TYPES_NUMBERS, i);
		nl_put_str(m, NLPEER_A_TYPES_STRINGS, "x");
		put_two(m, NLPEER_A_TYPES_PAIRS, NLPEER_A_PAIR_A, NLPEER_A_PAIR_B);
	}
	put_items(m, 1000);
	put_tree(m, NLPEER_A_TYPES_TREE, 9);
}

static void big(struct nl_msg *m, uint16_t family)
{
	START(BIG_GET);
	nl_put_u32(m, NLPEER_A_BIG_SIZE, 65536);
}

static void several(struct nl_msg *m, uint16_t family)
{
	START(SEVERAL_GET);
	nl_put_u32(m, NLPEER_A_SEVERAL_COUNT, 64);
}

static void delayed(struct nl_msg *m, uint32_t delay, uint16_t family)
{
	START(DELAYED_GET);
	nl_put_u32(m, NLPEER_A_DELAYED_DELAY, delay);
}

static void delayed_not(struct nl_msg *m, uint16_t family)
{
	delayed(m, 0, family);
}

static void delayed_soon(struct nl_msg *m, uint16_t family)
{
	delayed(m, 1, family);
}

static void delayed_dropped(struct nl_msg *m, uint16_t family)
{
	delayed(m, 0, family);
	nl_put(m, NLPEER_A_DELAYED_DROP, NULL, 0);
}

static void delayed_large(struct nl_msg *m, uint16_t family)
{
	delayed(m, 0, family);
	while (m->len + 8 <= 65536)
		nl_put_u32(m, NLPEER_A_DELAYED_DELAY, 0);
}

static void delayed_for_long(struct nl_msg *m, uint16_t family)
{
	delayed(m, NLPEER_DELAY_MAX, family);
}

/* Two replies, and the ack. */
static void odd(struct nl_msg *m, uint16_t family)
{
	nl_start(m, family, NLM_F_ACK, NLPEER_CMD_ODD_GET, NLPEER_FAMILY_VERSION);
	nl_put_u32(m, NLPEER_A_ODD_WHAT, NLPEER_ODD_TWICE);
}

/* A reply, and an ack that is longer than the request. */
static void odd_large(struct nl_msg *m, uint16_t family)
{
	nl_start(m, family, NLM_F_ACK, NLPEER_CMD_ODD_GET, NLPEER_FAMILY_VERSION);
	while (m->len + 8 <= 64512)
		nl_put_u32(m, NLPEER_A_ODD_WHAT, NLPEER_ODD_ACK_WHOLE);
}

static void odd_dump(struct nl_msg *m, uint16_t family)
{
	START_DUMP(ODD_GET);
	nl_put_u32(m, NLPEER_A_ODD_READ, 1);
}

static void refuse(struct nl_msg *m, uint16_t family)
{
	char text[NLPEER_TEXT_LONG_MAX + 1] = "";

	memset(text, 'x', NLPEER_TEXT_LONG_MAX);
	START(REFUSE);
	nl_put_u32(m, NLPEER_A_REFUSAL_ERROR, EPERM);
	nl_put_str(m, NLPEER_A_REFUSAL_TEXT, text);
	nl_put(m, NLPEER_A_REFUSAL_COOKIE, "8 bytes.", 8);
}

static void refuse_nest(struct nl_msg *m, uint16_t family)
{
	START(REFUSE);
	put_two(m, NLPEER_A_REFUSAL_NEST, NLPEER_A_REFUSAL_NEST_INSIDE, 0);
	nl_put_u32(m, NLPEER_A_REFUSAL_BLAME, NLPEER_BLAME_MISSING_IN_NEST);
}

static void burst(struct nl_msg *m, uint16_t family)
{
	START(BURST);
	nl_put_u32(m, NLPEER_A_BURST_COUNT, NLPEER_BURST_MAX);
}

static void reset(struct nl_msg *m, uint16_t family)
{
	START(RESET);
}

static void sender(struct nl_msg *m, uint16_t family)
{
	START(SENDER_GET);
}

static void counter(struct nl_msg *m, uint16_t family)
{
	START(COUNTER_GET);
}

static void netns_admin(struct nl_msg *m, uint16_t family)
{
	START(NETNS_ADMIN);
}

static void change(struct nl_msg *m, uint16_t family)
{
	START(CHANGE);
}

static void put_note(struct nl_msg *m, uint16_t family, uint8_t cmd, int number, bool text)
{
	char name[BOARD_NAME_MAX + 1], note[BOARD_TEXT_MAX + 1] = "";

	snprintf(name, sizeof(name), "a name of thirty-one bytes: %3d", number);
	memset(note, 'x', BOARD_TEXT_MAX);
	nl_start(m, family, 0, cmd, BOARD_FAMILY_VERSION);
	nl_put_str(m, BOARD_A_NOTE_NAME, name);
	if (text)
		nl_put_str(m, BOARD_A_NOTE_TEXT, note);
}

static void post(struct nl_msg *m, uint16_t family)
{
	put_note(m, family, BOARD_CMD_POST, 1, true);
}

static void post_new(struct nl_msg *m, uint16_t family)
{
	put_note(m, family, BOARD_CMD_POST, 500, true);
}

static void remove_note(struct nl_msg *m, uint16_t family)
{
	put_note(m, family, BOARD_CMD_REMOVE, 500, false);
}

static void get_note(struct nl_msg *m, uint16_t family)
{
	put_note(m, family, BOARD_CMD_GET, 1, false);
}

static void get_no_note(struct nl_msg *m, uint16_t family)
{
	put_note(m, family, BOARD_CMD_GET, 500, false);
}

static void get_all_notes(struct nl_msg *m, uint16_t family)
{
	nl_start(m, family, NLM_F_DUMP, BOARD_CMD_GET, BOARD_FAMILY_VERSION);
}

static const struct attack attacks[] = {
	{ "echo", echo_small },
	{ "echo of 36 KiB", echo_full },
	{ "object-get of a million", objects },
	{ "object-get of a buffer", objects_of_a_buffer },
	{ "object-get of none", no_objects },
	{ "status-get", status },
	{ "event-send", event },
	{ "event-send to somebody", event, .listeners = 1 },
	/* covers: trap ab */
	{ "event-send to many", event, .listeners = LISTENERS },
	{ "event-send to all namespaces", event_everywhere, .listeners = 1 },
	/* covers: trap ab */
	{ "trouble-get of 131 KiB", trouble },
	{ "trouble-get of a list", trouble_list },
	{ "trouble-get of too much", trouble_too_large },
	{ "trouble-get, a dump of 131 KiB", trouble_dump },
	{ "trouble-get, a dump of lists", trouble_small_dump },
	{ "trouble-get, a dump of empty objects", trouble_empty },
	{ "trouble-get, a dump that is stuck", trouble_stuck },
	{ "types, one of each", types_each },
	{ "types, a tree", types_tree },
	{ "types, numbers", types_numbers },
	{ "types, strings", types_strings },
	{ "types, pairs", types_pairs },
	{ "types, an array", types_array },
	{ "types, many of all", types_of_all },
	/* covers: trap ab */
	{ "big-get", big },
	/* covers: trap ab */
	{ "several-get", several },
	{ "odd-get, twice", odd },
	{ "odd-get, an ack of 64 KiB", odd_large },
	{ "odd-get, a dump", odd_dump },
	{ "refuse with a text", refuse },
	{ "refuse for a nest", refuse_nest },
	{ "burst", burst, .listeners = 1 },
	{ "reset", reset },
	{ "sender-get", sender },
	{ "counter-get", counter },
	{ "netns-admin", netns_admin },
	{ "netns-admin in a namespace of its own", netns_admin, .admin = true },
	{ "change", change },
	{ "big-get in a namespace of its own", big, .admin = true },
	{ "burst in a namespace of its own", burst, .admin = true },
	{ "delayed-get at once", delayed_not },
	{ "delayed-get soon", delayed_soon },
	{ "delayed-get that is dropped", delayed_dropped },
	{ "delayed-get of 64 KiB", delayed_large },
	{ "delayed-get after ten seconds", delayed_for_long },
	{ "board: get", get_note, .board = true },
	{ "board: get of what is not there", get_no_note, .board = true },
	{ "board: get of all", get_all_notes, .board = true },
	{ "board: post", post, .board = true },
	{ "board: remove", remove_note, .board = true },
	{ "board: post in a namespace of its own", post, .board = true, .admin = true },
	{ "board: post to many in a namespace of its own", post, .board = true, .admin = true,
	  .listeners = LISTENERS },
	{ "board: post to a full board", post_new, .board = true, .admin = true },
	{ "board: remove in a namespace of its own", remove_note, .board = true, .admin = true },
	{ "board: get of all in a namespace of its own", get_all_notes, .board = true,
	  .admin = true },
};

/* A socket with a queue in the state of @how. */
static void prepare(struct nl_sock *s, enum mode how, int room, struct reader *reader)
{
	struct nl_family f;

	EXPECT_OK(nl_open(s));
	/* A large buffer is read into, which makes those of dumps as large. */
	EXPECT_OK(nl_get_family(s, "nlctrl", 0, &f));
	set_buffer(s, SO_RCVBUF, room / 2);
	if (how == CONGESTED) {
		congest(s);
		leave_one(s);
	}
	if (how == READ_ON)
		reader_start(reader, s);
}

/* The time of one sendto() on a new socket. */
static int64_t measure(const struct datagram *d, enum mode how, int room)
{
	struct reader reader;
	struct nl_sock s;
	int64_t time;

	prepare(&s, how, room, &reader);
	set_buffer(&s, SO_SNDBUF, d->len / 2 + 4096);
	time = time_of(&s, d);
	if (how == READ_ON)
		reader_stop(&reader);
	nl_close(&s);
	return time;
}

/*
 * A kernel that looks for errors is many times slower, at some things more than at
 * others: there the requests are sent, fewer of them, and the time is not judged.
 */
static bool is_judged(void)
{
	return slow(1) == 1;
}

static size_t requests(void)
{
	return is_judged() ? REQUESTS : REQUESTS / 20;
}

/* Whether @d takes no longer than it may; the best of a few attempts. */
static bool is_cheap(const struct datagram *d, enum mode how, int room)
{
	bool is_large = d->len / d->count >= LARGE;
	struct datagram look_ups = is_large ? datagram_of_nlctrl(d->len, SIZE_MAX) :
					      datagram_of_nlctrl(SIZE_MAX, d->count);
	int64_t best = INT64_MAX, least = INT64_MAX;
	int times = is_large ? 1 : TIMES, attempts = 0;

	do {
		int64_t time = measure(&look_ups, how, room);

		least = time < least ? time : least;
		time = measure(d, how, room);
		best = time < best ? time : best;
		attempts++;
		/* Once is enough only where it is clear. */
	} while (attempts < (best * 2 <= times * least ? 1 : best <= times * least ? 2 : 5));
	free(look_ups.data);
	DIAG("%zu requests, %s: %.1f ms, %zu of nlctrl %.1f ms: %.2f times", d->count,
	     mode_names[how], best / 1e3, look_ups.count, least / 1e3, (double)best / least);
	return best <= times * least;
}

static void post_notes(uint16_t family)
{
	static struct nl_msg m;
	struct nl_ack ack;
	struct nl_sock s;

	EXPECT_OK(nl_open(&s));
	for (int i = 0; i < NOTES; i++) {
		put_note(&m, family, BOARD_CMD_POST, i, true);
		nl_hdr(&m)->nlmsg_flags |= NLM_F_ACK;
		EXPECT_OK(nl_send(&s, &m));
		EXPECT_OK(nl_recv_msg(&s, &m));
		EXPECT_OK(nl_read_ack(nl_hdr(&m), &ack));
		EXPECT_EQ(ack.error, 0);
	}
	nl_close(&s);
}

static void costs(const void *arg)
{
	const struct attack *attack = arg;
	static struct nl_sock listeners[LISTENERS];
	static struct nl_msg m;
	struct nl_family f;
	struct datagram d;
	bool cheap = true;
	int room;

	raise_files(LISTENERS);
	if (!attack->board)
		begin();
	else if (!loaded("board"))
		EXPECT_EQ(load("BOARD_KO"), 0);
	if (attack->board && !attack->admin) {
		EXPECT(find_family(BOARD_FAMILY_NAME, &f), "it is not registered");
		post_notes(f.id);
	}
	become_nobody();
	if (attack->admin)
		enter_user_namespace(CLONE_NEWNET);
	EXPECT(find_family(attack->board ? BOARD_FAMILY_NAME : NLPEER_FAMILY_NAME, &f),
	       "it is not registered");
	if (attack->board && attack->admin)
		post_notes(f.id);
	for (int i = 0; i < attack->listeners; i++) {
		EXPECT_OK(nl_open(&listeners[i]));
		EXPECT_OK(nl_membership(&listeners[i], f.groups[0].id, true));
		set_buffer(&listeners[i], SO_RCVBUF, 4096);
	}

	attack->build(&m, f.id);
	/* Of large requests there are few, and a queue that is as long. */
	room = m.len < LARGE ? requests() * NLMSG_ALIGN(m.len) : DEFAULT_DATAGRAM;
	d = datagram_of(&m, room, requests());
	for (enum mode how = UNREAD; how < MODES; how++) {
		if (is_judged())
			cheap &= is_cheap(&d, how, d.len);
		else
			measure(&d, how, d.len);
	}
	EXPECT(cheap, "one datagram takes too long");
}

/* The largest buffers that anybody can have, and the largest replies. */
static void full_size(const void *arg)
{
	static struct nl_msg m;
	struct nl_family f;
	struct datagram d;

	if (!is_judged())
		SKIP("the times of a kernel that looks for errors are not judged");
	begin();
	become_nobody();
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "not loaded");
	trouble(&m, f.id);
	d = datagram_of(&m, 2 << 20, SIZE_MAX);
	EXPECT(is_cheap(&d, *(const enum mode *)arg, 8 << 20), "it takes too long");
}

/* When a process begins to send a datagram, and when it is done. */
struct sending {
	int64_t begun, sent;
};

#define READ(field)		__atomic_load_n(&(field), __ATOMIC_SEQ_CST)
#define WRITE(field, value)	__atomic_store_n(&(field), value, __ATOMIC_SEQ_CST)

/* The longest datagram, of requests with small replies, of which few have room. */
static void send_longest(const void *arg)
{
	struct sending *sending = (struct sending *)arg;
	static struct nl_msg m;
	struct nl_family f;
	struct datagram d;
	struct nl_sock s;

	become_nobody();
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "not loaded");
	EXPECT_OK(nl_open(&s));
	set_buffer(&s, SO_SNDBUF, 4 << 20);
	echo_small(&m, f.id);
	d = datagram_of(&m, (8 << 20) - 64, SIZE_MAX);
	WRITE(sending->begun, now_us());
	nl_send_raw(&s, d.data, d.len);
	WRITE(sending->sent, now_us());
}

/* A sender that is killed comes to its end much sooner than one that is not. */
static void kill_sender(const void *arg)
{
	struct sending *sending = shared_memory(sizeof(*sending));
	int64_t whole, begun, rest;
	int status;
	pid_t pid;

	if (!is_judged())
		SKIP("the times of a kernel that looks for errors are not judged");
	EXPECT(sending, "no memory");
	begin();
	in_process(send_longest, sending);
	whole = sending->sent - sending->begun;

	*sending = (struct sending){ 0 };
	pid = spawn(send_longest, sending);
	WAIT_FOR(READ(sending->begun));
	while (now_us() < READ(sending->begun) + whole / 10)
		;
	EXPECT(!READ(sending->sent), "all is sent in a tenth of the time");
	begun = now_us();
	kill(pid, SIGKILL);
	EXPECT(waitpid(pid, &status, 0) == pid, "waitpid");
	rest = now_us() - begun;
	EXPECT_EQ(status, SIGKILL);
	DIAG("all takes %.1f ms; killed after a tenth of it, the rest has taken %.1f ms",
	     whole / 1e3, rest / 1e3);
	EXPECT(rest < whole / 2, "it goes on");
}

/* Of what was lost the requester is told, by an error or by ENOBUFS. */
static void told(const void *arg)
{
	void (*build)(struct nl_msg *, uint16_t) = *(void (*const *)(struct nl_msg *, uint16_t))arg;
	size_t answers = 0, replies = 0, again = 0;
	bool is_told = false;
	static struct nl_msg m;
	struct nl_family f;
	struct datagram d;
	struct nl_sock s;
	ssize_t len;

	begin();
	become_nobody();
	EXPECT(find_family(NLPEER_FAMILY_NAME, &f), "not loaded");
	EXPECT_OK(nl_open(&s));
	build(&m, f.id);
	d = datagram_of(&m, DEFAULT_DATAGRAM, REQUESTS);
	EXPECT_OK(nl_send_raw(&s, d.data, d.len));
	while ((len = nl_recv(&s, m.data, sizeof(m.data), MSG_DONTWAIT)) != -EAGAIN) {
		struct nl_ack ack;

		if (len == -ENOBUFS) {
			is_told = true;
			continue;
		}
		EXPECT_OK(len);
		answers++;
		if (nl_hdr(&m)->nlmsg_type == f.id) {
			replies++;
			continue;
		}
		EXPECT_OK(nl_read_ack(nl_hdr(&m), &ack));
		EXPECT_EQ(-ack.error, EAGAIN);
		again++;
	}
	DIAG("%zu requests: %zu replies, %zu EAGAIN%s", d.count, replies, again,
	     is_told ? ", ENOBUFS" : "");
	EXPECT(replies, "no reply at all");
	EXPECT(replies < d.count, "nothing is lost");
	EXPECT(is_told || answers == d.count, "%zu answers are lost in silence",
	       d.count - answers);
	/* And when that has been read, there is room again. */
	build(&m, f.id);
	EXPECT_OK(nl_send(&s, &m));
	EXPECT_OK(nl_recv_msg(&s, &m));
	EXPECT_EQ(nl_hdr(&m)->nlmsg_type, f.id);
}

static void (*const build_big)(struct nl_msg *, uint16_t) = big;
static void (*const build_echo)(struct nl_msg *, uint16_t) = echo_small;
static const enum mode unread = UNREAD, read_on = READ_ON;

static const struct ktap_test others[] = {
	/* covers: trap ab */
	{ "the largest datagram for the largest replies, unread", full_size, &unread },
	{ "the largest datagram for the largest replies, read", full_size, &read_on },
	/* covers: trap ab */
	{ "a sender that is killed ends in its datagram", kill_sender },
	{ "who loses large replies is told", told, &build_big },
	{ "who loses small replies is told", told, &build_echo },
};

int main(void)
{
	static struct ktap_test tests[ARRAY_SIZE(attacks) + ARRAY_SIZE(others)];
	int rc, err;

	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++)
		tests[i] = (struct ktap_test){ attacks[i].name, costs, &attacks[i] };
	memcpy(tests + ARRAY_SIZE(attacks), others, sizeof(others));
	rc = ktap_run(tests, ARRAY_SIZE(tests));
	err = loaded("board") ? unload_soon("board") : 0;
	if (err) {
		printf("# board cannot be unloaded: %s\n", strerror(err));
		return 1;
	}
	return rc;
}
