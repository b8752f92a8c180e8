// Receives FCM messages in an Android app. Needs com.google.firebase:firebase-messaging, the file
// google-services.json, and in AndroidManifest.xml:
//
//   <uses-permission android:name="android.permission.POST_NOTIFICATIONS" />
//   <service android:name=".CarillonReceiver" android:exported="false">
//     <intent-filter><action android:name="com.google.firebase.MESSAGING_EVENT" /></intent-filter>
//   </service>
//
// From Android 13 on, ask for POST_NOTIFICATIONS when the user has seen what it is good for.

package com.example.carillon

import android.Manifest
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Intent
import android.content.pm.PackageManager
import androidx.core.app.NotificationCompat
import androidx.core.app.NotificationManagerCompat
import androidx.core.content.ContextCompat
import com.google.firebase.messaging.FirebaseMessaging
import com.google.firebase.messaging.FirebaseMessagingService
import com.google.firebase.messaging.RemoteMessage
import java.net.HttpURLConnection
import java.net.URL
import kotlin.concurrent.thread
import org.json.JSONArray
import org.json.JSONObject

/** Your own back end, which stores the token for the user who is logged in. */
private const val SUBSCRIPTION_ADDRESS = "https://example.com/subscription"

/** The client in `pns-gcm-options.yml`. */
private const val CLIENT = "mygoogleclient"
private const val CHANNEL = "mail"

class CarillonReceiver : FirebaseMessagingService() {
  /** Called when Google gives the app another token. */
  override fun onNewToken(token: String) = store(token)

  /**
   * Called for each message with data, and for messages with a notification while the app is in
   * front; otherwise the system shows those by itself.
   */
  override fun onMessageReceived(message: RemoteMessage) {
    val data = message.data
    val title = message.notification?.title ?: data["title"] ?: data["displayname"] ?: return
    val text = message.notification?.body ?: data["message"] ?: data["subject"] ?: ""
    // The id keeps a second message about the same mail from being shown twice.
    show(title, text, id = data["id"].hashCode(), folder = data["folder"])
  }

  private fun show(title: String, text: String, id: Int, folder: String?) {
    val manager = NotificationManagerCompat.from(this)
    manager.createNotificationChannel(
      NotificationChannel(CHANNEL, "New mail", NotificationManager.IMPORTANCE_DEFAULT),
    )
    val allowed = ContextCompat.checkSelfPermission(this, Manifest.permission.POST_NOTIFICATIONS)
    if (android.os.Build.VERSION.SDK_INT >= 33 && allowed != PackageManager.PERMISSION_GRANTED) return
    val open = packageManager.getLaunchIntentForPackage(packageName)
      ?.putExtra("folder", folder)
      ?.addFlags(Intent.FLAG_ACTIVITY_SINGLE_TOP)
    val tap = PendingIntent.getActivity(
      this, id, open, PendingIntent.FLAG_UPDATE_CURRENT or PendingIntent.FLAG_IMMUTABLE,
    )
    val notification = NotificationCompat.Builder(this, CHANNEL)
      .setSmallIcon(android.R.drawable.ic_dialog_email)
      .setContentTitle(title)
      .setContentText(text)
      .setContentIntent(tap)
      .setAutoCancel(true)
      .build()
    manager.notify(id, notification)
  }

  companion object {
    /** Call this at every start, once the user is logged in: the token may have changed. */
    fun start() {
      FirebaseMessaging.getInstance().token.addOnSuccessListener { token -> store(token) }
    }

    /** `topics` are what the app wants; the back end adds context and user. */
    private fun store(token: String) {
      val body = JSONObject()
        .put("client", CLIENT)
        .put("transport", "gcm")
        .put("token", token)
        .put("topics", JSONArray(listOf("ox:mail:*")))
      thread {
        // A failure is no loss: the token is sent again at the next start.
        runCatching {
          val connection = URL(SUBSCRIPTION_ADDRESS).openConnection() as HttpURLConnection
          connection.requestMethod = "POST"
          connection.setRequestProperty("content-type", "application/json")
          connection.doOutput = true
          connection.outputStream.use { it.write(body.toString().toByteArray()) }
          connection.inputStream.close()
        }
      }
    }
  }
}
