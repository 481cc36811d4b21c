#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
mutations.py SOURCE BUILD CORPUS [NAME...]: checks that the fuzzer notices defects of the
library. Applies each of the changes below, or those with NAME in their descriptions, to
SOURCE, which is a copy. Builds the fuzzer in BUILD, and runs it once over CORPUS: it must
fail. A change that does not apply any more is a failure too. The last line is "N passed, M
failed".
"""
import pathlib
import subprocess
import sys

# What the library does wrong then; the claim in docs/architecture.md; the file; the code,
# and its replacement.
MUTATIONS = [
    ('a file that is not sealed is read in place', 'claim 1', 'src/image/judge.c',
     '''	return file->kind == SP_FILE_SHMEM &&
		sp_file_is_sealed_to(file, view->layout.end);''',
     '''	return file->kind == SP_FILE_SHMEM;'''),
    ('a file that was sealed once counts as sealed to any size', 'claim 2',
     'src/memory/file.c',
     '''	if (end <= sealed) {''',
     '''	if (sealed > 0) {'''),
    ('a shadow does not grow with its pool', 'claim 3', 'src/memory/shadow.c',
     '''		if (ftruncate(shadow->fd, (off_t)size) < 0) {''',
     '''		if (shadow->size == 0 && ftruncate(shadow->fd, (off_t)size) < 0) {'''),
    ('bytes of a client are written by this process', 'claim 4',
     'src/image/access.c',
     '''	if (sp_judge_become_direct(view)) {
		access->data = sp_view_get_in_place(view, mapping);''',
     '''	if (mapping != NULL) {
		access->data = sp_view_get_in_place(view, mapping);'''),
    ('a mapping goes before what points into it', 'claim 5',
     'src/memory/backing.c',
     '''	struct sp_mapping *mapping = sp_mapping_ref(*newest);''',
     '''	struct sp_mapping *mapping = *newest;'''),
    ('missing bytes stay what they were', 'a missing byte',
     'src/image/transfer.c',
     '''	if (!job->source->at_once) {
		memset(to + done, 0, length - done);
	}''',
     ''''''),
    ('damage is not added', 'a damage rectangle', 'src/server/surface.c',
     '''		add_scaled(frame, surface, &surface->pending.buffer_damage, 1);''',
     ''''''),
    ('damage is not scaled', 'a damage rectangle', 'src/server/surface.c',
     '''&surface->pending.surface_damage,
			surface->scale);''',
     '''&surface->pending.surface_damage, 1);'''),
    ('other buffers do not miss what a commit has damaged', 'a damage rectangle',
     'src/server/surface.c',
     '''	uint64_t commit = tracked->commit;''',
     '''	uint64_t commit = surface->commits - 1;'''),
    ('the left part of a row is copied for the right one', 'a damage rectangle',
     'src/image/format.c',
     '''* top +
			(uint64_t)left * block->bytes,''',
     '''* top,'''),
    ('what was copied in one turn of the loop counts for the next', 'a damage rectangle',
     'src/server/epoch.c',
     '''	epoch->number++;''',
     ''''''),
    ('a copy is written while it is read', 'a damage rectangle',
     'src/image/copies.c',
     '''		if (copy->users == 0 && unused == NULL) {''',
     '''		if (unused == NULL) {'''),
    ('a copy is freed while it is read', 'a damage rectangle',
     'src/image/copies.c',
     '''	if (copy->users++ == 0) {
		sp_cache_remove(sp_copies_get_cache(copies), &copy->cached);''',
     '''	if (copy->users++ == 0) {'''),
    ('what a compositor holds is copied anew when its wl_buffer has gone',
     'a charged byte', 'src/image/copies.c',
     '''		if (is_for(copy, false) && !copy->on_offer) {''',
     '''		if (false) {'''),
    ('the charge for a copy is not taken back', 'a charged byte',
     'src/memory/store.c',
     '''	sp_account_discharge(store->account, SP_RESOURCE_SHADOW_BYTES,
		store->size);
	store->data''',
     '''	store->data'''),
    ('a charge that does not fit is made', 'a charged byte',
     'src/memory/account.c',
     '''	return used <= limit && amount <= limit - used;''',
     '''	return used <= limit || amount == 0;'''),
    ('the fd of a pool is not closed', 'an fd', 'src/memory/file.c',
     '''		sp_discard_memory(file->fd, file->passed);
		file->fd = -1;''',
     '''		file->fd = -1;'''),
    ('a buffer outside of its pool is made', 'an fd', 'src/server/wl_shm.c',
     '''	if (layout->end > (uint64_t)pool->size) {''',
     '''	if (layout->end > (uint64_t)pool->size + 65536) {'''),
    ('what a compositor has written is not written back', 'writing',
     'src/image/fill.c',
     '''	struct sp_transferred copied = sp_transfer_out(shadow->fd, &view->layout,
		region,''',
     '''	pixman_region32_t none;
	pixman_region32_init(&none);
	struct sp_transferred copied = sp_transfer_out(shadow->fd, &view->layout,
		&none,'''),
    ('what lies between the rows is written back', 'writing',
     'src/image/transfer.c',
     '''		size_t length = span.row_bytes;
		/* The last''',
     '''		size_t length = row + 1 < span.rows ? plane->stride : span.row_bytes;
		/* The last'''),
    ('a file is written to through a mapping that is older than its seal', 'writing',
     'src/memory/file.c',
     '''	return seals < 0 || !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));''',
     '''	return seals < 0 || !(seals & F_SEAL_WRITE);'''),
    ('a guard does not look at commits', 'guard', 'src/guard/guard.c',
     '''	int ret = sync_buffer(buffer);
	if (ret < 0) {
		sp_guard_refuse(buffer->pool->client, "no memory to copy''',
     '''	int ret = 0;
	if (ret < 0) {
		sp_guard_refuse(buffer->pool->client, "no memory to copy'''),
    ('a guard lets a sealed pool grow past its file', 'guard',
     'src/guard/guard.c',
     '''	if (sp_file_is_sealed_to(&backing->file, (uint64_t)size)) {
		return true;
	}
	int64_t''',
     '''	return true;
	int64_t'''),
    ('a guard gives back what is shown', 'guard', 'src/guard/users.c',
     '''	if (buffer->users == 0 && ''',
     '''	if ('''),
    ('a guard does not write back what was captured', 'guard',
     'src/guard/writeback.c',
     '''		bool changed = sum !=''',
     '''		bool changed = false && sum !='''),
]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)


def tell(output):
    """Returns the reason of a failure from the fuzzer's output."""
    for line in output.splitlines():
        if line.startswith(('fuzz: ', 'SUMMARY: ')) or 'ERROR: ' in line or \
                ' error: ' in line:
            return line.strip()
    return output.strip().splitlines()[-1] if output.strip() else 'nothing'


def check(tree, build, corpus, mutation):
    """Returns whether the defect was noticed, and how."""
    name, claim, path, old, new = mutation
    file = tree / path
    source = file.read_text()
    if source.count(old) != 1:
        return False, f'{path} has {source.count(old)} places like that'
    file.write_text(source.replace(old, new))
    try:
        built = run(['ninja', '-C', build, 'tests/fuzz/sealpool-fuzz'])
        if built.returncode != 0:
            return False, 'does not build: ' + tell(built.stdout)
        ran = run([build / 'tests/fuzz/sealpool-fuzz', '-timeout=60',
                   *sorted(corpus.iterdir())], timeout=1200)
    finally:
        file.write_text(source)
    return ran.returncode != 0, tell(ran.stdout)


def main():
    tree, build, corpus = (pathlib.Path(arg).resolve() for arg in sys.argv[1:4])
    names = sys.argv[4:]
    passed = failed = 0
    for mutation in MUTATIONS:
        if names and not any(name in mutation[0] for name in names):
            continue
        ok, how = check(tree, build, corpus, mutation)
        passed += ok
        failed += not ok
        print('ok    ' if ok else 'MISSED', f'{mutation[0]} ({mutation[1]}): {how}',
              flush=True)
    print(f'{passed} passed, {failed} failed')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
