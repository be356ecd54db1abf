# SPDX-License-Identifier: GPL-2.0
"""
Completion for bash, from the options themselves:

  eval "$(nlpath --completion)"
"""

import trace_names

FILES = ("text", "output", "html", "svg", "json")
FOLDERS = ("specs", "source")

SCRIPT = """_{name}()
{{
	local word=${{COMP_WORDS[COMP_CWORD]}} at
	COMPREPLY=()
	for ((at = 1; at < COMP_CWORD; at++)); do
		[ "${{COMP_WORDS[at]}}" = -- ] || continue
		# The command, and what comes behind.
		if declare -F _command_offset > /dev/null; then
			_command_offset $((at + 1))
		elif ((COMP_CWORD == at + 1)); then
			mapfile -t COMPREPLY < <(compgen -c -- "$word")
		else
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		return
	done
	case ${{COMP_WORDS[COMP_CWORD - 1]}} in
	{files})
		mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	{folders})
		mapfile -t COMPREPLY < <(compgen -d -- "$word") ;;
	--protocol)
		mapfile -t COMPREPLY < <(compgen -W "{protocols}" -- "$word") ;;
	--pid)
		mapfile -t COMPREPLY < <(cd /proc && compgen -G "$word[0-9]*") ;;
	{values})
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W "{options}" -- "$word") ;;
	esac
}}
complete -F _{name} {name}
"""


def script(parser, name):
    """The completion of a program with these options."""
    # pylint: disable=protected-access
    actions = [action for action in parser._actions if action.option_strings]
    options = [option for action in actions for option in action.option_strings if option[:2] == "--"]
    known = FILES + FOLDERS + ("protocol", "pid")
    values = [option for action in actions for option in action.option_strings
              if action.nargs != 0 and option[:2] == "--" and option[2:] not in known]
    protocols = sorted(text.removeprefix("NETLINK_").lower() for text in trace_names.PROTOCOLS.values())
    return SCRIPT.format(name=name, files=" | ".join(f"--{one}" for one in FILES),
                         folders=" | ".join(f"--{one}" for one in FOLDERS),
                         values=" | ".join(values), protocols=" ".join(protocols),
                         options=" ".join(options + ["--"]))
