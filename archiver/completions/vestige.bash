# Completion of vestige(1) for bash.

_vestige_policies() {
	vestige policy list 2>/dev/null | cut -d' ' -f1
}

_vestige_exhibits() {
	vestige "$@" list 2>/dev/null | cut -d' ' -f1
	printf 'latest\n'
}

# What may stand behind an option; fails for an option that takes no value.
_vestige_value() {
	local verb=$1 option=$2
	case $verb:$option in
	*:-C | schedule:--dir | snapshot:--root | snapshot:--new | extract:-o | extract:--output | recover:-o | recover:--output)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	*:-i | *:--identity | *:-R | *:--recipients-file | *:--signing-key | snapshot:--metrics | keygen:-o | keygen:--output | \
		schedule:--metrics | schedule:--program | verify:--expect | verify:--receipt)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	ls:--status)
		local before=
		[[ $cur == *,* ]] && before=${cur%,*},
		mapfile -t COMPREPLY < <(compgen -P "$before" -W 'collected changed truncated excluded denied
			absent vanished error unchanged tail' -- "${cur##*,}")
		;;
	schedule:--policy)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -W "$(_vestige_policies)" -- "$cur"; compgen -f -- "$cur")
		;;
	schedule:--calendar)
		mapfile -t COMPREPLY < <(compgen -W 'hourly daily weekly' -- "$cur")
		;;
	custody:--keep | snapshot:--keep | snapshot:--full-every | *:-r | *:--recipient | schedule:--full-every | schedule:--keep | schedule:--name | *:--title | *:--number | *:--examiner | snapshot:--reason | snapshot:--operator | \
		verify:--fingerprint)
		COMPREPLY=()
		;;
	*)
		return 1
		;;
	esac
}

_vestige() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs='keygen init snapshot list show log verify ls cat diff extract recover custody schedule signers policy help'
	local globals='-C --json -q --quiet -v --verbose --no-color --help'
	local verb='' second='' options='' i
	local -a case_dir=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-C)
			case_dir=(-C "${COMP_WORDS[i + 1]}")
			i=$((i + 1))
			;;
		-*) ;;
		*)
			if [[ -z $verb ]]; then
				verb=${COMP_WORDS[i]}
			elif [[ -z $second ]]; then
				second=${COMP_WORDS[i]}
			fi
			;;
		esac
	done

	COMPREPLY=()
	_vestige_value "$verb" "$prev" && return
	if [[ -z $verb ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$verbs $globals --version" -- "$cur")
		return
	fi

	case $verb in
	keygen) options='-o --output' ;;
	init) options='--title --number -r --recipient -R --recipients-file -p --passphrase --examiner' ;;
	snapshot) options='--root --reason --operator -n --dry-run --estimate --incremental --full-every --trust-ctime
		--keep --metrics --new --title --number -r --recipient
		-R --recipients-file -p --passphrase --examiner' ;;
	log) options='--graph' ;;
	schedule) options='--policy --calendar --full-every --keep --metrics --name --program --dir --print --remove' ;;
	verify) options='--deep -i --identity --expect --fingerprint --receipt --signing-key' ;;
	ls) options='-i --identity --status -l --long --signing-key' ;;
	cat) options='-i --identity --signing-key' ;;
	diff) options='-i --identity --rows --findings --signing-key' ;;
	extract) options='-i --identity -o --output --preserve --signing-key' ;;
	recover) options='-i --identity -o --output --signing-key' ;;
	custody) [[ $second == dispose ]] && options='--keep --generation -n --dry-run --signing-key' ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options $globals" -- "$cur")
		return
	fi

	case $verb in
	help) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
	show | verify | ls | cat | extract)
		[[ $verb == verify || -z $second ]] &&
			mapfile -t COMPREPLY < <(compgen -W "$(_vestige_exhibits "${case_dir[@]}")" -- "$cur")
		;;
	diff) mapfile -t COMPREPLY < <(compgen -W "$(_vestige_exhibits "${case_dir[@]}")" -- "$cur") ;;
	snapshot)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -W "$(_vestige_policies)" -- "$cur"; compgen -f -- "$cur")
		;;
	custody)
		if [[ -z $second ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'dispose' -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(_vestige_exhibits "${case_dir[@]}")" -- "$cur")
		fi
		;;
	policy)
		if [[ -z $second ]]; then
			mapfile -t COMPREPLY < <(compgen -W 'list show check' -- "$cur")
		elif [[ $second != list ]]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -W "$(_vestige_policies)" -- "$cur"; compgen -f -- "$cur")
		fi
		;;
	init)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	recover)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}

complete -F _vestige vestige
