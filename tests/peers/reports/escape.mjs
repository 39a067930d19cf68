// Writes commands as their own toolkits do, so that ours can be compared: JSON on standard input, a
// list of {kind, level, message, properties}; JSON on standard output, a list of lines.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import * as github from '@actions/core'

const require = createRequire(import.meta.url)
const { TaskCommand, commandFromString } = require('azure-pipelines-task-lib/taskcommand')

function captured(call) {
  const written = []
  const write = process.stdout.write
  process.stdout.write = (text) => written.push(text)
  try {
    call()
  } finally {
    process.stdout.write = write
  }
  return written.join('')
}

const answers = JSON.parse(readFileSync(0, 'utf8')).map((asked) => {
  if (asked.kind === 'github') {
    return captured(() => github[asked.level](asked.message, asked.properties))
  }
  if (asked.kind === 'azure') {
    return new TaskCommand('task.logissue', asked.properties, asked.message).toString()
  }
  const { command, properties, message } = commandFromString(asked.line)
  return { command, properties, message }
})
process.stdout.write(JSON.stringify(answers))
