# SPDX-License-Identifier: GPL-2.0-or-later
# What the shells complete: the commands and options that the help text has.
# Each shell runs its own completion.
made=$BUILT/contrib/completions
mkdir completions && touch completions/a.yml && mkdir completions/folder

# bash_completes WORD…: what stands for the last one
bash_completes() {
	(cd completions && bash --norc -c '
		. "$1/bash"
		shift
		COMP_WORDS=(tocsin "$@") COMP_CWORD=$#
		_tocsin
		printf "%s\n" "${COMPREPLY[@]}"' - "$made" "$@" | sort -u)
}
is 'bash: syntax' '' "$(bash -n "$made/bash" 2>&1)"
is 'bash: commands' "$(help_commands)" "$(bash_completes '')"
for command in $(help_commands); do
	is "bash: options of $command" "$(help_options "$command")" \
		"$(bash_completes "$command" --)"
done
is 'bash: what begins so' baseline "$(bash_completes ba)"
is 'bash: actions' $'check\nlint\nlist\nshow\nwatchset' \
	"$(bash_completes rules '')"
is 'bash: words of an option' $'json\nndjson' \
	"$(bash_completes replay --format '' | grep json)"
is 'bash: after =' ndjson "$(bash_completes replay --format = nd)"
is 'bash: right after =' $'ecs\nany' \
	"$(bash_completes replay --schema = | sort -r)"
is 'bash: a folder' folder "$(bash_completes -s '')"
is 'bash: files after an option' $'a.yml\nfolder' "$(bash_completes -c '')"
is 'bash: files after an action' a.yml "$(bash_completes rules check a)"
is 'bash: an argument is no command' "$(help_commands)" \
	"$(bash_completes --config replay '')"
is 'bash: = and its argument are no command' "$(help_commands)" \
	"$(bash_completes --format = text '')"
is 'bash: nothing to guess' '' "$(bash_completes replay --query '')"
is 'bash: nobody is asked to run a file name' '' \
	"$(cd completions && touch '$(touch ran)' && cd .. &&
		bash_completes rules check x; ls completions | grep '^ran$')"

if command -v fish >/dev/null; then
	fish_completes() { # LINE
		(cd completions && HOME=$work fish --no-config -c '
			source $argv[1]/fish
			complete -C $argv[2]' "$made" "$1" |
			cut -f 1 | sort -u)
	}
	is 'fish: commands' "$(help_commands)" "$(fish_completes 'tocsin ')"
	for command in $(help_commands); do
		has "fish: options of $command" "$(help_options "$command")" \
			"$(fish_completes "tocsin $command --")"
	done
	is 'fish: actions' $'generate\nshow' "$(fish_completes 'tocsin key ')"
	is 'fish: words of an option' $'any\necs' \
		"$(fish_completes 'tocsin replay --schema ')"
	is 'fish: a folder' folder/ "$(fish_completes 'tocsin -s ')"
	is 'fish: options of another command' '' \
		"$(fish_completes 'tocsin watch --matc')"
	is 'fish: files' a.yml "$(fish_completes 'tocsin rules check a')"
	is 'fish: an argument is no command' baseline \
		"$(fish_completes 'tocsin --config watch ba')"
fi

# zsh completes only on a terminal: it is given one, and what stands on the
# line after the tabulator is asked for.
if command -v zsh >/dev/null; then
	mkdir zsh && cp "$made/zsh" zsh/_tocsin
	cat >zsh/ask <<'END'
zmodload zsh/zpty
zpty shell "cd $2; HOME=$1 TERM=dumb zsh -f -i"
ask() { zpty -w shell $1; zpty -r -m shell line "*$2*" || exit 1 }
ask "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; echo on-\$((1 + 1))" on-2
ask 'say() { print -r -- "<<$BUFFER>>"; BUFFER=; }; zle -N say; echo on-$((1 + 2))' on-3
ask "bindkey '^X' say; unsetopt list_beep; echo on-\$((1 + 3))" on-4
shift 2
for line; do
	zpty -w -n shell "$line"$'\t\x18'
	zpty -r -m shell got '*<<*>>*' || exit 1
	got=${got##*<<} && print -r -- ${got%%>>*}
	zpty -w -n shell $'\n'
done
END
	is 'zsh: syntax' '' "$(zsh -n "$made/zsh" 2>&1)"
	is 'zsh' 'tocsin baseline 
tocsin watch --record=
tocsin replay --schema ecs 
tocsin key generate 
tocsin -c a.yml 
tocsin -s folder/
tocsin rules check a.yml 
tocsin watch --matc' "$(timeout 60 zsh -f zsh/ask "$work/zsh" \
		"$work/completions" 'tocsin base' 'tocsin watch --reco' \
		'tocsin replay --schema e' 'tocsin key g' 'tocsin -c a' \
		'tocsin -s f' 'tocsin rules check a' 'tocsin watch --matc')"
fi
