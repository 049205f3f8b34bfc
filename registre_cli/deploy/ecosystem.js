// Print what an ecosystem file defines: names and scripts only. The environments in it may hold
// secrets and stay in Node.
const fs = require('fs');
const path = require('path');

process.on('uncaughtException', (error) => {
  // Where a file has a wrong word in it, the first line of the stack says in which line.
  const where = error instanceof SyntaxError ? `${String(error.stack).split('\n')[0]}: ` : '';
  console.error(`${where}${error.name}: ${String(error.message).split('\n')[0]}`);
  process.exit(1);
});

const file = path.resolve(process.argv[1]);
const exported = require(file);
const apps = Array.isArray(exported) ? exported : exported.apps || exported;
if (!Array.isArray(apps)) throw new TypeError('it exports no list of apps');
console.log(
  JSON.stringify(
    apps.map((app) => {
      const folder = path.resolve(path.dirname(file), app.cwd || '.');
      return {
        name: app.name || null,
        script: app.script || null,
        found: !!app.script && fs.existsSync(path.resolve(folder, String(app.script))),
      };
    }),
  ),
);
