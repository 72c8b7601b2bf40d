// SPDX-License-Identifier: GPL-3.0-or-later
// Flamenco job type "isa-takes": the tasks of a bundle that isa-engine farm bundle made.
// Copy it into the folder "scripts" beside flamenco-manager; submit the bundle's flamenco.json.

const JOB_TYPE = {
    label: "ISA takes",
    description: "Generate plates from a bundle of ISA for Blender",
    settings: [
        { key: "bundle", type: "string", subtype: "dir_path", required: true,
          description: "Folder of the bundle, which all workers share" },
        { key: "takes", type: "int32", required: true, description: "Number of takes in the bundle" },
        { key: "spans", type: "string", required: true,
          description: "The take of each decoding span, separated by commas" },
        { key: "engine", type: "string", default: "isa-engine", description: "The command on the workers" },
        { key: "device", type: "string", default: "auto", description: "cpu, cuda or auto" },
    ],
};

function compileJob(job) {
    const settings = job.settings;

    function task(action, number, options, after) {
        const made = author.Task(`${action}-${number}`, "isa");
        made.addCommand(author.Command("exec", {
            exe: settings.engine,
            args: ["farm", action, settings.bundle, String(number), ...options],
        }));
        after.forEach((earlier) => made.addDependency(earlier));
        job.addTask(made);
        return made;
    }

    const device = ["--device", settings.device];
    const takes = Array.from({ length: settings.takes }, (_, take) => take);
    const denoised = takes.map((take) => task("denoise", take, device, []));
    const decoded = takes.map(() => []);
    settings.spans.split(",").map(Number).forEach((take, span) => {
        decoded[take].push(task("decode", span, device, [denoised[take]]));
    });
    takes.forEach((take) => task("assemble", take, [], decoded[take]));
}
