/* SPDX-License-Identifier: MIT
 *
 * Telling network drives from disks, and what can be said of a path without opening it.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "base/volume.h"
#include "support/test.h"

static void assert_type(uint32_t type, lj_volume_kind kind, const char *name) {
  lj_volume volume;
  lj_volume_from_type(type, &volume);
  assert_int_equal(volume.kind, kind);
  assert_string_equal(volume.name, name);
}

static void network_drives_are_told_by_their_type(void **state) {
  (void)state;
  assert_type(0x6969, LJ_VOLUME_NETWORK, "NFS");
  assert_type(0x517b, LJ_VOLUME_NETWORK, "SMB");
  assert_type(0xff534d42, LJ_VOLUME_NETWORK, "CIFS");
  assert_type(0xfe534d42, LJ_VOLUME_NETWORK, "SMB2");
  assert_type(0x01021997, LJ_VOLUME_NETWORK, "9P");
  assert_type(0x00c36400, LJ_VOLUME_NETWORK, "Ceph");
  assert_type(0x5346414f, LJ_VOLUME_NETWORK, "AFS");
}

static void disks_and_unknown_types_are_local(void **state) {
  static const uint32_t types[] = {0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0, 0xffffffff};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(types); i++) assert_type(types[i], LJ_VOLUME_LOCAL, "");
}

static void fuse_is_a_network_when_its_program_is_one(void **state) {
  lj_volume volume;
  (void)state;
  assert_type(0x65735546, LJ_VOLUME_FUSE, "FUSE");
  lj_volume_from_fuse("sshfs", &volume);
  assert_int_equal(volume.kind, LJ_VOLUME_NETWORK);
  assert_string_equal(volume.name, "sshfs");
  lj_volume_from_fuse("gocryptfs", &volume);
  assert_int_equal(volume.kind, LJ_VOLUME_FUSE);
  assert_string_equal(volume.name, "gocryptfs");
}

static void program_of_a_fuse_mount_is_read_from_its_line(void **state) {
  static const char line[] = "36 35 0:52 / /home/me/my\\040files rw,nosuid - fuse.sshfs me@host:/files rw,user_id=0\n";
  char subtype[8];
  (void)state;
  assert_true(lj_volume_fuse_subtype(line, 0, 52, subtype, sizeof subtype));
  assert_string_equal(subtype, "sshfs");
  assert_false(lj_volume_fuse_subtype(line, 0, 5, subtype, sizeof subtype));
  assert_false(lj_volume_fuse_subtype(line, 1, 52, subtype, sizeof subtype));
  assert_true(lj_volume_fuse_subtype("1 1 0:9 / / rw shared:1 - fuse.averylongname x y", 0, 9, subtype, sizeof subtype));
  assert_string_equal(subtype, "averylo");
  assert_false(lj_volume_fuse_subtype("1 1 0:9 / / rw - ext4 /dev/sda1 rw", 0, 9, subtype, sizeof subtype));
  assert_false(lj_volume_fuse_subtype("1 1 0:9 / / rw - fuse. /dev/sda1 rw", 0, 9, subtype, sizeof subtype));
  assert_false(lj_volume_fuse_subtype("1 1 0:9 / / rw", 0, 9, subtype, sizeof subtype));
  assert_false(lj_volume_fuse_subtype("", 0, 0, subtype, sizeof subtype));
}

static void path_is_looked_at_without_opening_it(void **state) {
  char folder[] = "/tmp/lj-volume-XXXXXX";
  char path[64];
  lj_volume volume;
  (void)state;
  assert_non_null(mkdtemp(folder));
  assert_int_equal(lj_path_look(folder), LJ_PATH_FOLDER);
  (void)snprintf(path, sizeof path, "%s/file", folder);
  assert_int_equal(lj_path_look(path), LJ_PATH_NONE);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fclose(file), 0);
  assert_int_equal(lj_path_look(path), LJ_PATH_FILE);
  assert_true(lj_path_writable(path));
  assert_true(lj_path_folder_writable(path));
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(lj_path_look(path), LJ_PATH_OTHER);
  assert_int_equal(unlink(path), 0);
  (void)snprintf(path, sizeof path, "%s/none/file", folder);
  assert_int_equal(lj_path_look(path), LJ_PATH_NO_FOLDER);
  lj_volume_of(path, &volume); /* nothing is there: nothing can be said */
  assert_int_equal(volume.kind, LJ_VOLUME_LOCAL);
  assert_int_equal(rmdir(folder), 0);
  assert_int_equal(lj_path_look("no-such-file-here"), LJ_PATH_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(network_drives_are_told_by_their_type),
      cmocka_unit_test(disks_and_unknown_types_are_local),
      cmocka_unit_test(fuse_is_a_network_when_its_program_is_one),
      cmocka_unit_test(program_of_a_fuse_mount_is_read_from_its_line),
      cmocka_unit_test(path_is_looked_at_without_opening_it),
  };
  return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
