// Completion scripts for bash, zsh and fish, made from the commands as data. The scripts hold words of our own only, and
// run nothing.

import type { CommandFacts, OptionFacts } from './command-tree.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** The script for a shell. */
export function completionScript(shell: Shell, root: CommandFacts): string {
  if (shell === 'fish') return fishScript(root);
  return shell === 'bash'
    ? bashScript(root)
    : `#compdef postern\nautoload -U +X bashcompinit && bashcompinit\n${bashScript(root)}`;
}

function allCommands(command: CommandFacts): CommandFacts[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function optionWords(option: OptionFacts): string[] {
  return [option.short, option.long].filter((word) => word !== null);
}

/** What may follow the command: a subcommand, or a word of its argument. */
function firstWords(command: CommandFacts): string[] {
  return [...command.commands.map((child) => child.name), ...command.argumentChoices];
}

/** Zsh reads this one too, through bashcompinit. */
function bashScript(root: CommandFacts): string {
  const commands = allCommands(root);
  const rows = commands.map((command) => {
    const words = [...firstWords(command), ...command.options.flatMap(optionWords)];
    return `    '${command.line}') words='${words.join(' ')}' ;;`;
  });
  const lines = commands.slice(1).map((command) => `'${command.line}'`);
  return `# completion of postern; load it with: source <(postern completion bash)
_postern() {
  local current="\${COMP_WORDS[COMP_CWORD]}" line='postern' word words='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case "$line $word" in
      ${lines.join('|')}) line="$line $word" ;;
    esac
  done
  case "$line" in
${rows.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ "$current" != -* && \${#COMPREPLY[@]} -eq 0 ]]; then
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _postern postern
`;
}

function fishScript(root: CommandFacts): string {
  const lines = [
    '# completion of postern; load it with: postern completion fish | source',
    'complete -c postern -n __fish_use_subcommand -f',
  ];
  for (const command of allCommands(root)) {
    const condition = fishCondition(command);
    for (const child of command.commands) {
      lines.push(`complete -c postern -n ${fishQuote(condition)} -a ${child.name} -d ${fishQuote(child.summary)}`);
    }
    if (command.argumentChoices.length > 0) {
      lines.push(`complete -c postern -n ${fishQuote(condition)} -a ${fishQuote(command.argumentChoices.join(' '))}`);
    }
    for (const option of command.options) lines.push(fishOption(option, condition));
  }
  return `${lines.join('\n')}\n`;
}

function fishCondition(command: CommandFacts): string {
  const words = command.line.split(' ').slice(1);
  const below = command.commands.map((child) => child.name).join(' ');
  if (words.length === 0) return '__fish_use_subcommand';
  const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
  return below === '' ? seen : `${seen}; and not __fish_seen_subcommand_from ${below}`;
}

function fishOption(option: OptionFacts, condition: string): string {
  const parts = ['complete', '-c postern', `-n ${fishQuote(condition)}`];
  if (option.short !== null) parts.push(`-s ${option.short.slice(1)}`);
  if (option.long !== null) parts.push(`-l ${option.long.slice(2)}`);
  if (option.takesValue) parts.push('-r');
  if (option.choices.length > 0) parts.push(`-a ${fishQuote(option.choices.join(' '))}`);
  return [...parts, `-d ${fishQuote(option.description)}`].join(' ');
}

function fishQuote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
