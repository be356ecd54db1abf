/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints around the callbacks of a family. Rust functions of a module
 * have no fentry, so this is how ftrace and perf see them. Each module has the
 * events under its own name, which its stub of one line defines.
 */

#ifndef GENL_RS_TRACE_SYSTEM
#define GENL_RS_TRACE_SYSTEM genl_rs
#endif

#undef TRACE_SYSTEM
#define TRACE_SYSTEM GENL_RS_TRACE_SYSTEM

#if !defined(_GENL_RS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _GENL_RS_TRACE_H

#include <linux/tracepoint.h>
#include <net/genetlink.h>

/* What is in the middle of a callback, or has been sent: others are NULL. */
#define GENL_RS_TRACE_PROTO						\
	TP_PROTO(const struct genl_family *family,			\
		 const struct genl_info *info, const struct sk_buff *skb,	\
		 const struct genl_multicast_group *group,		\
		 const struct net *net, int result)
#define GENL_RS_TRACE_ARGS	TP_ARGS(family, info, skb, group, net, result)

/* A class has code, and an event of it hardly any: what one does not have is 0. */
DECLARE_EVENT_CLASS(genl_event,
	GENL_RS_TRACE_PROTO,
	GENL_RS_TRACE_ARGS,
	TP_STRUCT__entry(
		__string(family, family->name)
		__string(group, group ? group->name : "")
		__field(u8, cmd)
		__field(u32, portid)
		__field(u32, seq)
		__field(unsigned int, objects)
		__field(unsigned int, bytes)
		__field(unsigned int, netns)
		__field(int, result)
	),
	TP_fast_assign(
		const struct nlmsghdr *nlh = skb ? (const void *)skb->data : NULL;
		int rest = skb ? skb->len : 0;

		__assign_str(family);
		__assign_str(group);
		__entry->cmd = info ? info->genlhdr->cmd : 0;
		__entry->portid = info ? info->snd_portid : 0;
		__entry->seq = info ? info->snd_seq : 0;
		__entry->objects = 0;
		__entry->bytes = rest;
		for (; nlmsg_ok(nlh, rest); nlh = nlmsg_next(nlh, &rest))
			__entry->objects++;
		__entry->netns = net ? net->ns.inum : 0;
		__entry->result = result;
	),
	TP_printk("family=%s cmd=%u portid=%u seq=%u result=%d",
		  __get_str(family), __entry->cmd, __entry->portid,
		  __entry->seq, __entry->result)
);

DEFINE_EVENT_PRINT(genl_event, genl_do_enter,
	GENL_RS_TRACE_PROTO,
	GENL_RS_TRACE_ARGS,
	TP_printk("family=%s cmd=%u portid=%u seq=%u", __get_str(family),
		  __entry->cmd, __entry->portid, __entry->seq)
);

DEFINE_EVENT(genl_event, genl_do_exit,
	GENL_RS_TRACE_PROTO,
	GENL_RS_TRACE_ARGS
);

/* One buffer of a dump, filled: result is above zero while more will follow. */
DEFINE_EVENT_PRINT(genl_event, genl_dump_buffer,
	GENL_RS_TRACE_PROTO,
	GENL_RS_TRACE_ARGS,
	TP_printk("family=%s cmd=%u portid=%u seq=%u objects=%u bytes=%u result=%d%s",
		  __get_str(family), __entry->cmd, __entry->portid,
		  __entry->seq, __entry->objects, __entry->bytes,
		  __entry->result, __entry->result > 0 ? "" : " done")
);

/* Without a network namespace it went to all of them. */
DEFINE_EVENT_PRINT(genl_event, genl_notify,
	GENL_RS_TRACE_PROTO,
	GENL_RS_TRACE_ARGS,
	TP_printk("family=%s group=%s netns=%u result=%d", __get_str(family),
		  __get_str(group), __entry->netns, __entry->result)
);

#endif /* _GENL_RS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE genl_trace
#include <trace/define_trace.h>
